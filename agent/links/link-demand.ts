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
  failures = 0;

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
