/** Token buckets, one for each client: so many requests at once, so many per second after that. Bounded in memory. */
import type { Clock } from '../agent/ports/clock.ts';

/** Fleets are small; whoever was seen least lately begins anew with a full bucket. */
const MOST_CLIENTS = 1_024;

export interface RateLimitOptions {
  perSecond: number;
  /** How many at once, after a rest. */
  burst: number;
}

interface Bucket {
  tokens: number;
  atMs: number;
}

export class RateLimit {
  readonly #clock: Clock;
  readonly #perMs: number;
  readonly #burst: number;
  /** Least lately seen first. */
  readonly #buckets = new Map<string, Bucket>();

  constructor(clock: Clock, { perSecond, burst }: RateLimitOptions) {
    this.#clock = clock;
    this.#perMs = perSecond / 1000;
    this.#burst = burst;
  }

  /** Takes one token: 0 where there was one, else after how many milliseconds there will be. */
  take(client: string): number {
    const atMs = this.#clock.monotonicMs();
    const before = this.#buckets.get(client) ?? { tokens: this.#burst, atMs };
    const tokens = Math.min(this.#burst, before.tokens + (atMs - before.atMs) * this.#perMs);
    const isFree = tokens >= 1;
    this.#buckets.delete(client);
    this.#buckets.set(client, { tokens: isFree ? tokens - 1 : tokens, atMs });
    const eldest = this.#buckets.keys().next().value;
    if (this.#buckets.size > MOST_CLIENTS && eldest !== undefined) this.#buckets.delete(eldest);
    return isFree ? 0 : Math.ceil((1 - tokens) / this.#perMs);
  }
}
