/** Token buckets, one for each client: so many requests at once, so many per second after that. Bounded in memory. */
import type { Clock } from '../agent/ports/clock.ts';

/** Fleets are small; whoever was seen least lately begins anew with a full bucket. */
const MOST_CLIENTS = 1_024;

export interface RateLimitOptions {
  perSecond: number;
  /** How many at once, after a rest. */
  burst: number;
}

/** Counted in thousandths of a token, so that whole milliseconds at a whole rate lose nothing to rounding. */
const TOKEN = 1_000;

interface Bucket {
  credit: number;
  atMs: number;
}

export class RateLimit {
  readonly #clock: Clock;
  readonly #perSecond: number;
  readonly #mostCredit: number;
  /** Least lately seen first. */
  readonly #buckets = new Map<string, Bucket>();

  constructor(clock: Clock, { perSecond, burst }: RateLimitOptions) {
    this.#clock = clock;
    this.#perSecond = perSecond;
    this.#mostCredit = burst * TOKEN;
  }

  /** Takes one token: 0 where there was one, else after how many milliseconds there will be. */
  take(client: string): number {
    const atMs = this.#clock.monotonicMs();
    const before = this.#buckets.get(client) ?? { credit: this.#mostCredit, atMs };
    const credit = Math.min(this.#mostCredit, before.credit + (atMs - before.atMs) * this.#perSecond);
    const isFree = credit >= TOKEN;
    this.#buckets.delete(client);
    this.#buckets.set(client, { credit: isFree ? credit - TOKEN : credit, atMs });
    const eldest = this.#buckets.keys().next().value;
    if (this.#buckets.size > MOST_CLIENTS && eldest !== undefined) this.#buckets.delete(eldest);
    return isFree ? 0 : Math.ceil((TOKEN - credit) / this.#perSecond);
  }
}
