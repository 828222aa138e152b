/**
 * Frames that the fast path of their peer does not carry whole. Whoever may be told is told by ICMP, and then sends
 * smaller packets; what must not be answered, or may be fragmented, takes the slow path, which carries any size.
 */
import type { Clock } from '../ports/clock.ts';
import type { Datapath } from '../ports/datapath.ts';
import type { LinkTable } from '../ports/link-table.ts';
import { tooBigAnswer } from '../wire/icmp.ts';
import type { DropCounters } from './drop-counters.ts';
import { TokenBucket } from './token-bucket.ts';

/** One answer is enough for a connection; a burst of frames for many of them is answered over a second or two. */
export const ANSWERS_PER_SECOND = 50;
export const ANSWER_BURST = 50;

export interface OversizeDependencies {
  links: Pick<LinkTable, 'frameLimit' | 'sendFrame'>;
  datapath: Pick<Datapath, 'deliver'>;
  drops: DropCounters;
  clock: Clock;
}

export class OversizeFrames {
  readonly #parts: OversizeDependencies;
  readonly #bucket: TokenBucket;

  constructor(parts: OversizeDependencies) {
    this.#parts = parts;
    this.#bucket = new TokenBucket(parts.clock, ANSWERS_PER_SECOND, ANSWER_BURST);
  }

  /** `send`: what to do with a frame that nobody is told about, or that fits: after an outage every frame comes up. */
  receive(slot: number, frame: Uint8Array, send: (frame: Uint8Array) => void): void {
    const limit = this.#parts.links.frameLimit(slot);
    const tooBig = limit?.settled && frame.length > limit.bytes;
    const answer = tooBig ? tooBigAnswer(frame, limit.bytes) : null;
    if (answer === null) {
      send(frame);
      return;
    }
    this.#parts.drops.count('path-mtu-exceeded');
    if (this.#bucket.take()) this.#parts.datapath.deliver(null, answer);
  }
}
