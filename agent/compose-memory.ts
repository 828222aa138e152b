/**
 * When memory is given back: once the agent has been up for a moment, and when links have come or gone, as soon as their
 * number stands still. Frames go on meanwhile; only the controller pauses.
 */
import { sentenceOf } from './errors.ts';
import type { Clock, Timer } from './ports/clock.ts';
import type { Log } from './ports/log.ts';

export interface MemoryWatchParts {
  /** How many are up now. */
  links(): number;
  giveBack(): void;
  clock: Clock;
  log: Log;
}

/** The number of links stands still when it is the same at two looks. */
const LOOK_EVERY_MS = 5_000;
/** Links that come and go all the time are no reason to pause all the time. */
const SHORTEST_PERIOD_MS = 60_000;

export class MemoryWatch {
  readonly #parts: MemoryWatchParts;
  readonly #timer: Timer;
  #linksBefore: number | null = null;
  #linksThen: number | null = null;
  #givenBackAtMs: number | null = null;

  constructor(parts: MemoryWatchParts) {
    this.#parts = parts;
    this.#timer = parts.clock.every(LOOK_EVERY_MS, () => this.#look());
  }

  stop(): void {
    this.#timer.cancel();
  }

  #look(): void {
    const links = this.#parts.links();
    const stands = links === this.#linksBefore;
    this.#linksBefore = links;
    if (!stands || links === this.#linksThen) return;
    const nowMs = this.#parts.clock.monotonicMs();
    if (this.#givenBackAtMs !== null && nowMs - this.#givenBackAtMs < SHORTEST_PERIOD_MS) return;
    this.#linksThen = links;
    this.#givenBackAtMs = nowMs;
    this.#giveBack();
  }

  #giveBack(): void {
    try {
      this.#parts.giveBack();
    } catch (error) {
      this.#parts.log.warn('memory.kept', { problem: sentenceOf(error) });
    }
  }
}
