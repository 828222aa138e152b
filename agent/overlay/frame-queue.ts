/**
 * Frames that wait for a link to come up, per slot: bounded in frames, bytes and age, the oldest goes first. A frame
 * older than the age limit would reach a TCP or a ping that has given up on it.
 */
import type { Clock } from '../ports/clock.ts';
import type { DropCounters } from './drop-counters.ts';

/** One TCP initial window of full frames and a second of pings, with room to spare. */
export const MAX_QUEUED_FRAMES = 256;
const MAX_QUEUED_BYTES = 256 * 1024;
/** Longer than any link should take (ICE gives up after about 10 s on a bad path). */
export const MAX_QUEUE_AGE_MS = 15_000;

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

  /** Keeps `frame`; drops the oldest of this key where it does not fit. */
  push(key: Key, frame: Uint8Array): void {
    const waiting = this.#waiting.get(key) ?? [];
    this.#waiting.set(key, waiting);
    waiting.push({ frame, queuedAtMs: this.#clock.monotonicMs() });
    let bytes = waiting.reduce((sum, entry) => sum + entry.frame.length, 0);
    while (waiting.length > MAX_QUEUED_FRAMES || bytes > MAX_QUEUED_BYTES) {
      bytes -= waiting.shift()?.frame.length ?? 0;
      this.#drops.count('queue-full');
    }
  }

  /** Takes out every frame of `key` that is still worth sending, oldest first. */
  take(key: Key): Uint8Array[] {
    const waiting = this.#waiting.get(key) ?? [];
    this.#waiting.delete(key);
    const oldestMs = this.#clock.monotonicMs() - MAX_QUEUE_AGE_MS;
    const young = waiting.filter((entry) => entry.queuedAtMs >= oldestMs);
    this.#drops.count('queue-expired', waiting.length - young.length);
    return young.map((entry) => entry.frame);
  }

  /** Gives up on `key`; its frames are counted as lost with the link. */
  discard(key: Key): void {
    this.#drops.count('link-failed', this.#waiting.get(key)?.length ?? 0);
    this.#waiting.delete(key);
  }
}
