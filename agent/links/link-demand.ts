/** Whether anybody wants a link, and when it is tried again after a failure. */
import type { Clock, Timer } from '../ports/clock.ts';
import { retryDelayMs } from './retry-schedule.ts';

/** How long after the last wish for the link it is tried again by itself; a new wish starts it anyway. */
const DEMAND_MS = 30_000;

/** A peer that says one of these does not want to be called back at once. */
export const FINAL_REASONS: ReadonlySet<string> = new Set([
  'idle',
  'closed',
  'stopping',
  'revoked',
  'no-free-slot',
]);

export class LinkDemand {
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #retry: () => void;
  #timer: Timer | null = null;
  #wantedAtMs = Number.NEGATIVE_INFINITY;
  #asked = false;
  #forNothing = false;
  /** In a row. */
  failures = 0;
  /** Attempts that failed for nothing, and were repeated without a word. */
  repeats = 0;

  constructor(clock: Clock, random: () => number, retry: () => void) {
    this.#clock = clock;
    this.#random = random;
    this.#retry = retry;
  }

  /** A try is scheduled. */
  get waiting(): boolean {
    return this.#timer !== null;
  }

  get wanted(): boolean {
    return this.#clock.monotonicMs() - this.#wantedAtMs <= DEMAND_MS;
  }

  /** Somebody here asked for the link since it was last lost. */
  get asked(): boolean {
    return this.#asked;
  }

  ask(atMs: number): void {
    this.#asked = true;
    this.want(atMs);
  }

  /** The attempt that failed for nothing is being repeated: for the user it is the same one. */
  get repeating(): boolean {
    return this.#forNothing && this.failures === 1;
  }

  /** The last attempt failed for nothing; to be careful always would cost every link some 50 ms. */
  get careful(): boolean {
    return this.#forNothing;
  }

  /**
   * Counts a failure; true where the next try need not wait. A link that was up had a peer a moment ago. And now and
   * then a transport fails at once for nothing (LinkConnection.offer): the next one is made carefully.
   */
  failed(reason: string, wasUp: boolean): boolean {
    this.failures += 1;
    this.#forNothing = !wasUp && reason === 'transport-failed';
    if (this.repeating) this.repeats += 1;
    return this.failures === 1 && (wasUp || this.#forNothing);
  }

  want(atMs: number): void {
    this.#wantedAtMs = Math.max(this.#wantedAtMs, atMs);
  }

  unwant(): void {
    this.#wantedAtMs = Number.NEGATIVE_INFINITY;
    this.cancelRetry();
  }

  /** `soon`: this peer was there not long ago, and may be back any moment. */
  retryLater(atOnce: boolean, soon: boolean): void {
    this.cancelRetry();
    this.#asked = false;
    const delayMs = atOnce ? 0 : retryDelayMs(this.failures, this.#random, soon);
    this.#timer = this.#clock.after(delayMs, () => this.retryNow());
  }

  retryNow(): void {
    this.cancelRetry();
    this.#retry();
  }

  cancelRetry(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }
}
