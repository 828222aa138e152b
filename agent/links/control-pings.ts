/** Questions over the `control` channel: sign of life and round trip of the slow path. */
import type { Clock } from '../ports/clock.ts';

/** Unanswered ones are few: a link is down after some seconds without an answer. */
const MAX_OPEN = 64;

export class ControlPings {
  readonly #clock: Clock;
  readonly #sentMs = new Map<number, number>();
  #id = 0;
  #rttMs: number | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Of the last answer. */
  get rttMs(): number | null {
    return this.#rttMs;
  }

  /** The id of a ping that is about to be sent. */
  next(): number {
    this.#id = (this.#id + 1) >>> 0;
    if (this.#sentMs.size > MAX_OPEN) this.#sentMs.clear();
    this.#sentMs.set(this.#id, this.#clock.monotonicMs());
    return this.#id;
  }

  /** The round trip; null for an answer to nothing. */
  answered(id: number): number | null {
    const sentMs = this.#sentMs.get(id);
    if (sentMs === undefined) return null;
    this.#sentMs.delete(id);
    this.#rttMs = this.#clock.monotonicMs() - sentMs;
    return this.#rttMs;
  }
}
