/**
 * The way in for everybody who asks this node for something, whichever service he uses: who is he, does he ask too
 * often, may he. Actuators check commands themselves (actuators.ts), so a service cannot forget to. Who is told of
 * news for as long as he likes is asked for again and again: his tags or the policy may change meanwhile.
 */
import type { Clock, Timer } from '../agent/ports/clock.ts';
import { type AccessPolicy, decideAccess, type Reader, type ReaderDirectory } from './access.ts';
import { RateLimit } from './rate-limit.ts';

/** What a browser's first look at a page with many sensors may take at once, as a time at the full rate. */
const BURST_S = 3;
/** How soon a follower who may read no more is told nothing more. */
const RECHECK_INTERVAL_MS = 5_000;

export type Admission =
  | { readonly result: 'admitted'; readonly reader: Reader | null }
  | { readonly result: 'not-allowed'; readonly sentence: string }
  | { readonly result: 'too-often'; readonly sentence: string; readonly retryAfterMs: number };

export interface ReaderGateOptions {
  readers: ReaderDirectory;
  /** As it is now. */
  policy: () => AccessPolicy;
  clock: Clock;
  /** Of one member, on all services together. */
  requestsPerSecond: number;
}

interface Follower {
  address: string;
  onLost: () => void;
}

export class ReaderGate {
  readonly policy: () => AccessPolicy;
  readonly #readers: ReaderDirectory;
  readonly #clock: Clock;
  readonly #followers = new Set<Follower>();
  #rechecks: Timer | null = null;
  readonly #rate: RateLimit;
  readonly #perSecond: number;

  constructor({ readers, policy, clock, requestsPerSecond }: ReaderGateOptions) {
    this.policy = policy;
    this.#readers = readers;
    this.#clock = clock;
    this.#perSecond = requestsPerSecond;
    this.#rate = new RateLimit(clock, { perSecond: requestsPerSecond, burst: BURST_S * requestsPerSecond });
  }

  /** Whether this client may read; `address` as its socket reports it. */
  async admit(address: string): Promise<Admission> {
    const admission = await this.identify(address);
    if (admission.result !== 'admitted') return admission;
    const decision = decideAccess(this.policy(), admission.reader, 'read');
    return decision.allowed ? admission : { result: 'not-allowed', sentence: decision.sentence };
  }

  /** Who a client is, where it does not ask too often; what it may is not looked at. */
  async identify(address: string): Promise<Admission> {
    const reader = await this.#readers.readerAt(address);
    const retryAfterMs = this.#rate.take(reader?.nodeId ?? address);
    if (retryAfterMs === 0) return { result: 'admitted', reader };
    const sentence = `more than ${this.#perSecond} requests a second: follow /events instead of asking so often`;
    return { result: 'too-often', sentence, retryAfterMs };
  }

  /** Calls `onLost`, once, when whoever has this address may read no more. Returns how to stop. */
  follow(address: string, onLost: () => void): () => void {
    const follower = { address, onLost };
    this.#followers.add(follower);
    this.#rechecks ??= this.#clock.every(RECHECK_INTERVAL_MS, () => void this.recheck());
    return () => this.#forget(follower);
  }

  /** Asks now for all that follow; the policy was changed. */
  async recheck(): Promise<void> {
    const addresses = new Set([...this.#followers].map(({ address }) => address));
    await Promise.all([...addresses].map((address) => this.#recheckAt(address)));
  }

  async #recheckAt(address: string): Promise<void> {
    const reader = await this.#readers.readerAt(address);
    if (decideAccess(this.policy(), reader, 'read').allowed) return;
    for (const follower of [...this.#followers]) {
      if (follower.address !== address) continue;
      this.#forget(follower);
      follower.onLost();
    }
  }

  #forget(follower: Follower): void {
    this.#followers.delete(follower);
    if (this.#followers.size > 0) return;
    this.#rechecks?.cancel();
    this.#rechecks = null;
  }
}
