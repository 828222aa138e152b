/**
 * Time on a board without a clock: a floor below which it certainly is not. The floor rises by signed statements and
 * by the monotonic clock only; neither NTP nor a hand-set wall clock can move it, and nothing lowers it.
 */
import type { Clock } from '../../agent/ports/clock.ts';

/** Statements from the future are tolerated this far, when the wall clock is synchronised. */
const CLOCK_SKEW_MS = 10 * 60_000;
/** A wall clock this near to a statement that has just come is right: statements come every minute. */
const AGREEMENT_MS = 2 * 60_000;

export class TrustedTime {
  readonly #clock: Clock;
  readonly #isSynchronised: () => boolean;
  #floorMs: number;
  #raisedAtMs: number;
  #wallAgreed = false;

  /** `floorMs`: the build time, or what an earlier start has persisted. */
  constructor(clock: Clock, isSynchronised: () => boolean, floorMs: number) {
    this.#clock = clock;
    this.#isSynchronised = isSynchronised;
    this.#floorMs = floorMs;
    this.#raisedAtMs = clock.monotonicMs();
  }

  /** Unix milliseconds that have passed for certain. */
  floorMs(): number {
    // Whole ones, as every document has them.
    return this.#floorMs + Math.floor(this.#clock.monotonicMs() - this.#raisedAtMs);
  }

  /** Raises the floor to a signed time of issue; an older one changes nothing. */
  raise(issuedAt: number): void {
    if (issuedAt <= this.floorMs()) return;
    this.#floorMs = issuedAt;
    this.#raisedAtMs = this.#clock.monotonicMs();
  }

  /** Takes a signed statement of what time it is now (a late one says only what time it is at least). */
  hear(issuedAt: number): void {
    this.#wallAgreed = Math.abs(this.#clock.wallMs() - issuedAt) <= AGREEMENT_MS;
    this.raise(issuedAt);
  }

  isSynchronised(): boolean {
    return this.#isSynchronised();
  }

  /** Good enough to show: set by NTP, or by whomever, and the fleet's signed time agrees. Nothing is decided by it. */
  isWallClockRight(): boolean {
    return this.isSynchronised() || this.#wallAgreed;
  }

  /** Whether this moment is over: by the floor always, by the wall clock only when that is synchronised. */
  isPast(unixMs: number): boolean {
    return this.floorMs() >= unixMs || (this.isSynchronised() && this.#clock.wallMs() >= unixMs);
  }

  /** Whether a time of issue is still to come; without a synchronised clock that cannot be said. */
  isAhead(issuedAt: number): boolean {
    return this.isSynchronised() && issuedAt > this.#clock.wallMs() + CLOCK_SKEW_MS;
  }
}
