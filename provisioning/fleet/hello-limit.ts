/** How many hellos the registrar answers: every answer is a signature, and anybody on the broker can say hello. */
import type { Clock } from '../../agent/ports/clock.ts';

interface Bucket {
  tokens: number;
  filledAtMs: number;
}

/** A fleet that comes up together after a power cut says hello at once; more than this a second is no fleet. */
const FOR_ALL = { perSecond: 50, burst: 200 };
/** A device asks at most once a second. */
const PER_CLAIM = { perSecond: 1, burst: 5 };
const MAX_CLAIMS = 1024;

export class HelloLimit {
  readonly #clock: Clock;
  readonly #all: Bucket;
  readonly #perClaim = new Map<string, Bucket>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#all = { tokens: FOR_ALL.burst, filledAtMs: clock.monotonicMs() };
  }

  /** Whether one more hello with this claim id may be answered now. */
  allows(claimId: string): boolean {
    const bucket = this.#perClaim.get(claimId) ?? {
      tokens: PER_CLAIM.burst,
      filledAtMs: this.#clock.monotonicMs(),
    };
    this.#perClaim.delete(claimId);
    this.#perClaim.set(claimId, bucket);
    const eldest = this.#perClaim.keys().next().value;
    if (this.#perClaim.size > MAX_CLAIMS && eldest !== undefined) this.#perClaim.delete(eldest);
    return this.#take(bucket, PER_CLAIM) && this.#take(this.#all, FOR_ALL);
  }

  #take(bucket: Bucket, limit: { perSecond: number; burst: number }): boolean {
    const now = this.#clock.monotonicMs();
    const gained = ((now - bucket.filledAtMs) / 1000) * limit.perSecond;
    bucket.tokens = Math.min(limit.burst, bucket.tokens + gained);
    bucket.filledAtMs = now;
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }
}
