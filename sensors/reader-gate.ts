/**
 * The way in for everybody who asks this node for something, whichever service he uses: who is he, does he ask too
 * often, may he. Actuators check commands themselves (actuators.ts), so a service cannot forget to.
 */
import type { Clock } from '../agent/ports/clock.ts';
import { type AccessPolicy, decideAccess, type Reader, type ReaderDirectory } from './access.ts';
import { RateLimit } from './rate-limit.ts';

/** What a browser's first look at a page with many sensors may take at once, as a time at the full rate. */
const BURST_S = 3;

export type Admission =
  | { readonly result: 'admitted'; readonly reader: Reader | null }
  | { readonly result: 'not-allowed'; readonly sentence: string }
  | { readonly result: 'too-often'; readonly sentence: string; readonly retryAfterMs: number };

export interface ReaderGateOptions {
  readers: ReaderDirectory;
  policy: AccessPolicy;
  clock: Clock;
  /** Of one member, on all services together. */
  requestsPerSecond: number;
}

export class ReaderGate {
  readonly policy: AccessPolicy;
  readonly #readers: ReaderDirectory;
  readonly #rate: RateLimit;
  readonly #perSecond: number;

  constructor({ readers, policy, clock, requestsPerSecond }: ReaderGateOptions) {
    this.policy = policy;
    this.#readers = readers;
    this.#perSecond = requestsPerSecond;
    this.#rate = new RateLimit(clock, { perSecond: requestsPerSecond, burst: BURST_S * requestsPerSecond });
  }

  /** Whether this client may read; `address` as its socket reports it. */
  async admit(address: string): Promise<Admission> {
    const admission = await this.identify(address);
    if (admission.result !== 'admitted') return admission;
    const decision = decideAccess(this.policy, admission.reader, 'read');
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
}
