/**
 * Frames that wait for a link to come up, per slot: bounded in frames, bytes and age, the oldest goes first. A frame
 * older than the age limit would reach a ping that has given up on it. TCP measures its round trips, and says things
 * again by itself: a late segment would have it believe in a path of seconds.
 */
import type { Clock } from '../ports/clock.ts';
import { tcpKindOf } from '../wire/tcp-segment.ts';
import type { DropCounters } from './drop-counters.ts';

/** One TCP initial window of full frames and a second of pings, with room to spare. */
export const MAX_QUEUED_FRAMES = 256;
const MAX_QUEUED_BYTES = 256 * 1024;
/** Longer than any link should take (ICE gives up after about 10 s on a bad path). */
export const MAX_QUEUE_AGE_MS = 15_000;
/** Less than the shortest wait before TCP says data again (TCP_RTO_MIN is 200 ms). */
export const MAX_TCP_DATA_AGE_MS = 100;
/** A sender that met a closed window asks for it at least this often (TCP_RTO_MAX is 120 s), and nothing else wakes it. */
export const MAX_TCP_BARE_AGE_MS = 130_000;

interface WaitingFrame {
  frame: Uint8Array;
  queuedAtMs: number;
}

export class FrameQueue<Key> {
  readonly #waiting = new Map<Key, WaitingFrame[]>();
  readonly #clock: Clock;
  readonly #drops: DropCounters;

  constructor(clock: Clock, drops: DropCounters) {
    this.#clock = clock;
    this.#drops = drops;
  }

  /** Keeps a copy of `frame`, which may be part of a larger buffer; drops what is too old, and then the oldest, of this key where it does not fit. */
  push(key: Key, frame: Uint8Array): void {
    let waiting = this.#waiting.get(key) ?? [];
    waiting.push({ frame: frame.slice(), queuedAtMs: this.#clock.monotonicMs() });
    let bytes = bytesOf(waiting);
    if (waiting.length > MAX_QUEUED_FRAMES || bytes > MAX_QUEUED_BYTES) {
      waiting = this.#young(waiting);
      bytes = bytesOf(waiting);
    }
    while (waiting.length > MAX_QUEUED_FRAMES || bytes > MAX_QUEUED_BYTES) {
      bytes -= waiting.shift()?.frame.length ?? 0;
      this.#drops.count('queue-full');
    }
    this.#waiting.set(key, waiting);
  }

  /** Takes out every frame of `key` that is still worth sending, oldest first. */
  take(key: Key): Uint8Array[] {
    const waiting = this.#waiting.get(key) ?? [];
    this.#waiting.delete(key);
    return this.#young(waiting).map((entry) => entry.frame);
  }

  /** Gives up on `key`; its frames are counted as lost with the link. */
  discard(key: Key): void {
    this.#drops.count('link-failed', this.#waiting.get(key)?.length ?? 0);
    this.#waiting.delete(key);
  }

  #young(waiting: readonly WaitingFrame[]): WaitingFrame[] {
    const nowMs = this.#clock.monotonicMs();
    const young = waiting.filter(({ frame, queuedAtMs }) => nowMs - queuedAtMs <= longestAgeMs(frame));
    this.#drops.count('queue-expired', waiting.length - young.length);
    return young;
  }
}

function longestAgeMs(frame: Uint8Array): number {
  const kind = tcpKindOf(frame);
  if (kind === null) return MAX_QUEUE_AGE_MS;
  return kind === 'data' ? MAX_TCP_DATA_AGE_MS : MAX_TCP_BARE_AGE_MS;
}

function bytesOf(waiting: readonly WaitingFrame[]): number {
  return waiting.reduce((sum, { frame }) => sum + frame.length, 0);
}
