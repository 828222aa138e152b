/** Commands that came lately: a client repeats one whose answer was lost, and it must not be carried out again. */
import type { Clock } from '../../../agent/ports/clock.ts';
import type { CoapAnswer } from './coap-message.ts';

/** EXCHANGE_LIFETIME of RFC 7252 section 4.8.2: for so long a number means the same message. */
const REMEMBERED_MS = 247_000;
const MOST_REMEMBERED = 128;

export class CommandMemory {
  readonly #clock: Clock;
  readonly #known = new Map<string, { answer: Promise<CoapAnswer>; atMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What came of this message, which `carryOut` is asked for once. */
  once(message: string, carryOut: () => Promise<CoapAnswer>): Promise<CoapAnswer> {
    const atMs = this.#clock.monotonicMs();
    const known = this.#known.get(message);
    if (known && atMs - known.atMs < REMEMBERED_MS) return known.answer;
    const answer = carryOut();
    this.#known.delete(message);
    this.#known.set(message, { answer, atMs });
    const eldest = this.#known.keys().next().value;
    if (this.#known.size > MOST_REMEMBERED && eldest !== undefined) this.#known.delete(eldest);
    return answer;
  }
}
