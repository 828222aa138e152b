/**
 * A link while it is up: one ready transport, with the fast path beside it, the choice between the two for each frame,
 * the watch over whether the peer is alive, and the agreement to close when neither side needs the link.
 */
import type { Clock } from '../ports/clock.ts';
import type { Endpoint, PeerTraffic } from '../ports/datapath.ts';
import type { SendResult } from '../ports/peer-transport.ts';
import { decodeLinkControl, encodeLinkControl, type LinkControl } from '../wire/link-control.ts';
import type { ReceiveIndexes } from './fast-keys.ts';
import { FastPath } from './fast-path.ts';
import { REKEY_LIMITS } from './fast-sessions.ts';
import type { LinkConnection } from './link-connection.ts';
import { type LinkWatch, startLinkWatch, watchLink } from './link-liveness.ts';
import { LinkPings, type PingAnswer } from './link-pings.ts';
import type { LinkManagerOptions } from './link-types.ts';

/** `quiet` is said this many times per idle time, at least a second apart. */
const QUIET_SHARE = 4;
const SHORTEST_QUIET_MS = 1_000;

export interface LinkSessionParts {
  slot: number;
  connection: LinkConnection;
  indexes: ReceiveIndexes;
  options: LinkManagerOptions;
  /** The peer ends the link. */
  bye(reason: string): void;
  pathChanged(path: 'fast' | 'slow', endpoint: string | null): void;
}

export class LinkSession {
  readonly fast: FastPath;
  readonly #parts: LinkSessionParts;
  readonly #clock: Clock;
  readonly #pings: LinkPings;
  readonly #pingSentMs = new Map<number, number>();
  #watch: LinkWatch;
  /** Last sign of life over the transport. */
  #heardMs: number;
  #doubted = false;
  #pingId = 0;
  #slowRttMs: number | null = null;
  #saidQuietMs = Number.NEGATIVE_INFINITY;
  #peerQuietMs = Number.NEGATIVE_INFINITY;

  constructor(parts: LinkSessionParts) {
    this.#parts = parts;
    const { clock, datapath, host, aesHardware, isOverlayAddress } = parts.options;
    this.#clock = clock;
    this.#pings = new LinkPings(clock);
    this.#heardMs = clock.monotonicMs();
    this.#watch = startLinkWatch(this.#heardMs);
    this.fast = new FastPath({
      slot: parts.slot,
      indexes: parts.indexes,
      datapath,
      clock,
      aesHardware,
      rekey: parts.options.rekey ?? REKEY_LIMITS,
      underlayAddresses: () => host.underlayAddresses(),
      allowed: (address) => !isOverlayAddress(address),
      natAddress: () => this.#natAddress(),
      send: (message) => this.#say(message),
      pathChanged: parts.pathChanged,
    });
  }

  get path(): 'fast' | 'slow' {
    return this.fast.active ? 'fast' : 'slow';
  }

  start(): void {
    this.fast.start();
    this.#askPeer();
  }

  stop(reason: string): void {
    this.fast.stop();
    this.#pings.close(reason);
  }

  sendFrame(frame: Uint8Array): { result: SendResult; path: 'fast' | 'slow' } {
    const { options, slot, connection } = this.#parts;
    if (this.fast.active && options.datapath.sendFrame(slot, frame)) return { result: 'sent', path: 'fast' };
    return { result: connection.transport.sendFrame(frame), path: 'slow' };
  }

  frameArrived(): void {
    this.#heardMs = this.#clock.monotonicMs();
  }

  /** Messages that are no link control of this version are ignored: the peer may be newer, or faulty. */
  control(text: string): void {
    this.#heardMs = this.#clock.monotonicMs();
    const message = decodeLinkControl(text);
    if (!message) return;
    if (message.type === 'ping') this.#say({ type: 'pong', id: message.id });
    else if (message.type === 'pong') this.#pong(message.id);
    else if (message.type === 'quiet') this.#peerQuietMs = this.#heardMs;
    else if (message.type === 'bye') this.#parts.bye(message.reason);
    else this.fast.receive(message);
  }

  sayBye(reason: string): void {
    this.#say({ type: 'bye', reason: reason.slice(0, 64) });
  }

  doubt(): void {
    this.#doubted = true;
  }

  probeReply(endpoint: Endpoint, id: number, rttUs: number): void {
    this.fast.probeReply(endpoint, id, rttUs);
    this.#pings.answered('fast', id, rttUs / 1000);
  }

  ping(timeoutMs: number): Promise<PingAnswer> {
    const id = this.fast.ping();
    if (id !== null) return this.#pings.wait('fast', id, timeoutMs);
    return this.#pings.wait('slow', this.#askPeer(), timeoutMs);
  }

  tick(nowMs: number, counters: PeerTraffic | undefined, usedAtMs: number): 'alive' | 'dead' | 'idle' {
    const fastVerdict = this.fast.tick(nowMs, counters);
    const fastHeardMs = nowMs - (counters?.lastReceivedAgeMs ?? Number.POSITIVE_INFINITY);
    const heardMs = Math.max(this.#heardMs, fastHeardMs);
    const inDoubt = this.#doubted || fastVerdict === 'suspect' || fastVerdict === 'lost';
    this.#doubted = false;
    const { watch, verdict } = watchLink(this.#watch, { nowMs, heardMs, inDoubt });
    this.#watch = watch;
    if (verdict === 'dead') return 'dead';
    if (verdict === 'ask') this.#askPeer();
    return this.#bothQuiet(nowMs, usedAtMs) ? 'idle' : 'alive';
  }

  rttMs(): number | null {
    const rttMs = this.fast.rttMs ?? this.#slowRttMs;
    return rttMs === null ? null : Math.round(rttMs * 1000) / 1000;
  }

  candidates(): { local: string; remote: string } | null {
    const pair = this.#parts.connection.transport.selectedPair();
    return pair ? { local: pair.localType, remote: pair.remoteType } : null;
  }

  #bothQuiet(nowMs: number, usedAtMs: number): boolean {
    const { idleCloseMs } = this.#parts.options;
    if (idleCloseMs <= 0 || nowMs - usedAtMs < idleCloseMs) return false;
    const everyMs = Math.max(SHORTEST_QUIET_MS, idleCloseMs / QUIET_SHARE);
    if (nowMs - this.#peerQuietMs <= 2 * everyMs) return true;
    if (nowMs - this.#saidQuietMs >= everyMs) {
      this.#saidQuietMs = nowMs;
      this.#say({ type: 'quiet' });
    }
    return false;
  }

  #askPeer(): number {
    this.#pingId = (this.#pingId + 1) >>> 0;
    // Unanswered ones are few: the link is dead after eight seconds without an answer.
    if (this.#pingSentMs.size > 64) this.#pingSentMs.clear();
    this.#pingSentMs.set(this.#pingId, this.#clock.monotonicMs());
    this.#say({ type: 'ping', id: this.#pingId });
    return this.#pingId;
  }

  #pong(id: number): void {
    const sentMs = this.#pingSentMs.get(id);
    if (sentMs === undefined) return;
    this.#pingSentMs.delete(id);
    const rttMs = this.#clock.monotonicMs() - sentMs;
    this.#slowRttMs = rttMs;
    this.#pings.answered('slow', id, rttMs);
  }

  #say(message: LinkControl): void {
    this.#parts.connection.transport.sendControl(encodeLinkControl(message));
  }

  /** The peer's address as ICE reaches it, where that is a NAT's: many NATs keep the port of another socket too. */
  #natAddress(): string | null {
    const pair = this.#parts.connection.transport.selectedPair();
    if (!pair || (pair.remoteType !== 'srflx' && pair.remoteType !== 'prflx')) return null;
    return pair.remote.slice(0, pair.remote.lastIndexOf(':')).replace(/^\[|\]$/g, '');
  }
}
