/**
 * One sensor and what is known of it. Each has its own time limit and nobody waits for its answer, so one that hangs or
 * disappears delays no other; and a read that hangs is never joined by a second one.
 *
 *     waiting ──sample()──> reading ──value──────> waiting
 *                              │──error──────> waiting (last value kept, reason noted)
 *                              └──time limit──> abandoned ──the read ends at last──> waiting
 */
import { EnvironmentFault, sentenceOf } from '../agent/errors.ts';
import type { Clock, Timer } from '../agent/ports/clock.ts';
import type { Log } from '../agent/ports/log.ts';
import type { RamHistory } from './history.ts';
import type { Instant, Reading, Sample } from './reading.ts';
import { readingOf } from './reading.ts';
import type { Sensor, SensorValue } from './sensor.ts';

/** A 1-wire thermometer takes 750 ms; what takes longer than this hangs, unless the sensor says otherwise. */
const READ_LIMIT_MS = 2_000;
/** After a failure a sensor with a long interval is asked again this soon, then twice as late each time. */
const FIRST_RETRY_MS = 5_000;
/** A value inside the deadband is kept in the history all the same after this long, so that silence means failure. */
const MOST_SILENT_MS = 300_000;

const NO_LABELS = {};

export interface SamplingContext {
  clock: Clock;
  log: Log;
  history: RamHistory;
  nextSeq: () => number;
}

export class SampledSensor {
  readonly #context: SamplingContext;
  #sensor: Sensor;
  #sample: Sample | null = null;
  /** The last one in the history; null where that is a gap, or empty. */
  #recorded: Sample | null = null;
  #problem: string | null = null;
  #limit: Timer | null = null;
  #retry: Timer | null = null;
  #retryMs = FIRST_RETRY_MS;
  /** The read that is in the kernel now, abandoned (aborted) or not. */
  #inFlight: AbortController | null = null;
  #attempted: () => void = () => {};
  /** Resolves when the first attempt has ended, well or not. */
  readonly firstAttempt: Promise<void>;

  #unwatch: () => void = () => {};

  constructor(sensor: Sensor, context: SamplingContext) {
    this.#sensor = sensor;
    this.#context = context;
    this.firstAttempt = new Promise((resolve) => {
      this.#attempted = resolve;
    });
    this.#watch();
  }

  get intervalMs(): number {
    return this.#sensor.intervalMs;
  }

  get labels(): Readonly<Record<string, string>> {
    return this.#sensor.labels ?? NO_LABELS;
  }

  /** Begins one read, unless the last one still hangs. */
  sample(): void {
    if (!this.#inFlight) void this.#attempt();
  }

  stop(): void {
    this.#unwatch();
    this.#limit?.cancel();
    this.#retry?.cancel();
    this.#inFlight?.abort();
    this.#attempted();
  }

  /** The same sensor found again, perhaps under another path. */
  replace(sensor: Sensor): void {
    const { watch } = this.#sensor;
    this.#sensor = sensor;
    if (watch !== sensor.watch) this.#watch();
  }

  reading(now: Instant): Reading {
    return readingOf(this.#sensor, this.#sample, this.#problem, now);
  }

  #watch(): void {
    // The new watch begins before the old one ends: what is open stays open.
    const previous = this.#unwatch;
    this.#unwatch = this.#sensor.watch?.((value) => this.#keep(value)) ?? (() => {});
    previous();
  }

  async #attempt(): Promise<void> {
    const abort = new AbortController();
    this.#inFlight = abort;
    const limitMs = Math.min(this.#sensor.readLimitMs ?? READ_LIMIT_MS, this.#sensor.intervalMs);
    this.#limit = this.#context.clock.after(limitMs, () => {
      this.#fail(`${this.#sensor.id} gave no answer within ${limitMs} ms`);
      abort.abort(new EnvironmentFault('no-answer', `no answer within ${limitMs} ms`, { retryable: true }));
    });
    try {
      const value = await this.#sensor.read(abort.signal);
      // What comes after the limit was measured nobody knows when.
      if (!abort.signal.aborted) this.#keep(value);
    } catch (error) {
      if (!abort.signal.aborted) this.#fail(sentenceOf(error));
    } finally {
      this.#limit?.cancel();
      this.#inFlight = null;
    }
  }

  #keep(value: SensorValue): void {
    if (typeof value === 'number' && !Number.isFinite(value)) {
      this.#fail(`${this.#sensor.id} gave ${value}, which is not a measurement`);
      return;
    }
    const { clock, log, nextSeq } = this.#context;
    this.#sample = { value, takenAtMs: clock.monotonicMs(), seq: nextSeq() };
    if (this.#problem !== null) log.info('sensor.recovered', { sensor: this.#sensor.id });
    this.#problem = null;
    this.#retry?.cancel();
    this.#retryMs = FIRST_RETRY_MS;
    this.#record(this.#sample);
    this.#attempted();
  }

  #record(sample: Sample): void {
    const { id, deadband } = this.#sensor;
    const last = this.#recorded;
    const silentMs = sample.takenAtMs - (last?.takenAtMs ?? Number.NEGATIVE_INFINITY);
    if (last && silentMs < MOST_SILENT_MS && within(deadband, last.value, sample.value)) return;
    this.#recorded = sample;
    this.#context.history.append(id, sample.seq, sample.takenAtMs, sample.value);
  }

  /** Logs the first failure of a row only, and makes one gap of it: a broken sensor must fill neither. */
  #fail(problem: string): void {
    const first = this.#problem === null;
    this.#problem = problem;
    if (first) {
      const { clock, log, history, nextSeq } = this.#context;
      log.warn('sensor.failed', { sensor: this.#sensor.id, problem });
      this.#recorded = null;
      history.append(this.#sensor.id, nextSeq(), clock.monotonicMs(), null);
    }
    this.#attempted();
    this.#retryLater();
  }

  /** Where the next regular read is further away than that. */
  #retryLater(): void {
    this.#retry?.cancel();
    if (this.#retryMs >= this.#sensor.intervalMs) return;
    this.#retry = this.#context.clock.after(this.#retryMs, () => {
      // One that hangs is not asked twice, and may be free the next time.
      if (this.#inFlight) this.#retryLater();
      else this.sample();
    });
    this.#retryMs *= 2;
  }
}

/** Whether a change is too small to be told. Without a deadband every number is told, and a text when it changes. */
function within(deadband: number | undefined, before: SensorValue, now: SensorValue): boolean {
  if (typeof before === 'string' || typeof now === 'string') return before === now;
  return deadband !== undefined && Math.abs(now - before) < deadband;
}
