/**
 * TCP through an outage, so that it goes on as soon as the path is back. Two things keep it from that:
 *
 *   it waits ever longer before it tries again     while the peer is lost, each try is answered with "unreachable":
 *                                                  Linux then waits no longer than at first (tcp-unreachable.ts)
 *   the first answers after the outage echo times  no segment echoes a time until the peer has been back for a while
 *   from before it                                 (tcp-timestamps.ts)
 */
import type { Clock } from '../ports/clock.ts';
import type { Datapath } from '../ports/datapath.ts';
import { forgetTimestampEcho } from '../wire/tcp-timestamps.ts';
import { tcpUnreachable } from '../wire/tcp-unreachable.ts';
import { TokenBucket } from './token-bucket.ts';

/** A hundred connections that try five times a second; more of them hear it in turn. */
export const UNREACHABLE_PER_SECOND = 500;
export const UNREACHABLE_BURST = 500;

export class TcpOutage {
  readonly #datapath: Pick<Datapath, 'deliver'>;
  readonly #bucket: TokenBucket;

  constructor(parts: { datapath: Pick<Datapath, 'deliver'>; clock: Clock }) {
    this.#datapath = parts.datapath;
    this.#bucket = new TokenBucket(parts.clock, UNREACHABLE_PER_SECOND, UNREACHABLE_BURST);
  }

  /** For a frame that cannot reach its peer now. */
  unreachable(frame: Uint8Array): void {
    const answer = tcpUnreachable(frame);
    if (answer === null || !this.#bucket.take()) return;
    // Twice: one takes back the doubling of this try, one a doubling from before the silence was noticed.
    this.#datapath.deliver(null, answer);
    this.#datapath.deliver(null, answer);
  }

  /** For a frame that is about to go while the peer is lost, or not long back. Changes it in place. */
  settle(frame: Uint8Array): void {
    forgetTimestampEcho(frame);
  }
}
