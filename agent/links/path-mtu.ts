/**
 * The largest frame that the current path carries whole, found in band (RFC 8899): padded probes with DF set, which the
 * peer's datapath echoes. No ICMP is believed, and none is needed.
 *
 *   search   several sizes at once, up to four times; what echoes is a lower bound, what does not an upper one; again
 *            between the two until they are close. Until then frames above the base size take the slow path
 *   hold     while frames flow, the size found is confirmed every two seconds: four losses start a new search, because
 *            the path has changed (a black hole); after ten minutes larger sizes are tried again
 */
import type { Clock } from '../ports/clock.ts';

/** A packet with such a frame is an IPv6 packet of 1280 bytes, which every path must carry (RFC 8200 section 5). */
export const BASE_FRAME_BYTES = 1200;
/** Sizes probed at once, and how close the bounds must come. */
const SIZES_AT_ONCE = 8;
const CLOSE_ENOUGH_BYTES = 8;
const TRIES = 4;
const TRY_EVERY_MS = 250;
const CONFIRM_EVERY_MS = 2_000;
const RAISE_EVERY_MS = 600_000;

export interface PathMtuParts {
  clock: Clock;
  /** The largest frame that the TAP has. */
  maxFrameBytes: number;
  /** Sends a probe over the current path; its id, or null. */
  probe(frameBytes: number): number | null;
  /** The limit, or whether it is settled, changed. */
  changed(): void;
}

export interface FrameLimit {
  bytes: number;
  /** False while it is still being searched: nothing final can be said to who sends more. */
  settled: boolean;
}

export class PathMtu {
  readonly #parts: PathMtuParts;
  /** Sizes of probes in flight, by probe id. */
  #sizes = new Map<number, number>();
  /** Largest that echoed, and smallest that did not. */
  #low = BASE_FRAME_BYTES;
  #high: number;
  #searching = false;
  #open: number[] = [];
  #tries = 0;
  #triedAtMs = 0;
  #settledAtMs = 0;
  #framesConfirmed = 0;

  constructor(parts: PathMtuParts) {
    this.#parts = parts;
    this.#high = parts.maxFrameBytes + 1;
  }

  get limit(): FrameLimit {
    const bytes = Math.min(this.#low, this.#parts.maxFrameBytes);
    return { bytes, settled: !this.#searching };
  }

  /** The path is another one. */
  restart(): void {
    this.#sizes = new Map();
    this.#low = BASE_FRAME_BYTES;
    this.#high = this.#parts.maxFrameBytes + 1;
    this.#searching = true;
    this.#nextSizes();
  }

  /** Any probe's echo; those of other probes than ours say nothing here. */
  echoed(id: number): void {
    const size = this.#sizes.get(id);
    if (size === undefined) return;
    this.#sizes.delete(id);
    if (!this.#searching) this.#tries = 0;
    else if (size > this.#low) this.#raise(size);
  }

  /** To be called every 250 ms while there is a path. */
  tick(nowMs: number, sentFrames: number): void {
    if (this.#searching) {
      if (nowMs - this.#triedAtMs >= TRY_EVERY_MS) this.#tryAgain();
    } else if (this.#tries > 0 || sentFrames !== this.#framesConfirmed) this.#confirm(nowMs, sentFrames);
  }

  #raise(size: number): void {
    this.#low = size;
    this.#open = this.#open.filter((open) => open > size);
    this.#parts.changed();
    if (this.#high - this.#low <= CLOSE_ENOUGH_BYTES) this.#settle();
  }

  #nextSizes(): void {
    const span = this.#high - this.#low;
    if (span <= CLOSE_ENOUGH_BYTES) {
      this.#settle();
      return;
    }
    const steps = Math.min(SIZES_AT_ONCE, span - 1);
    const sizes = Array.from({ length: steps }, (_, step) =>
      Math.floor(this.#low + ((span - 1) * (step + 1)) / steps),
    );
    this.#open = [...new Set(sizes)];
    this.#tries = 0;
    this.#tryAgain();
  }

  #tryAgain(): void {
    if (this.#tries >= TRIES) {
      this.#high = Math.min(this.#high, ...this.#open);
      this.#nextSizes();
      return;
    }
    this.#tries += 1;
    this.#triedAtMs = this.#parts.clock.monotonicMs();
    for (const size of this.#open) this.#probe(size);
  }

  #settle(): void {
    this.#searching = false;
    this.#open = [];
    this.#tries = 0;
    this.#settledAtMs = this.#parts.clock.monotonicMs();
    this.#triedAtMs = this.#settledAtMs;
    this.#parts.changed();
  }

  /** `#tries` counts confirmations that were not answered. */
  #confirm(nowMs: number, sentFrames: number): void {
    const doubted = this.#tries > 0;
    if (nowMs - this.#triedAtMs < (doubted ? TRY_EVERY_MS : CONFIRM_EVERY_MS)) return;
    if (this.#tries >= TRIES) {
      this.restart();
      this.#parts.changed();
      return;
    }
    if (!doubted && nowMs - this.#settledAtMs >= RAISE_EVERY_MS) {
      this.#high = this.#parts.maxFrameBytes + 1;
      this.#searching = true;
      this.#nextSizes();
      return;
    }
    this.#framesConfirmed = sentFrames;
    this.#tries += 1;
    this.#triedAtMs = nowMs;
    this.#probe(this.#low);
  }

  #probe(size: number): void {
    const id = this.#parts.probe(size);
    if (id === null) return;
    this.#sizes.set(id, size);
    const oldest = this.#sizes.keys().next();
    if (this.#sizes.size > SIZES_AT_ONCE * TRIES * 2 && !oldest.done) this.#sizes.delete(oldest.value);
  }
}
