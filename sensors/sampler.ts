/**
 * Samples a changing set of sensors, and gives the last reading of each at any moment. Sensors of one interval are
 * read in one round, each for itself: on a small board waking up costs more than the reads do.
 */

import { sentenceOf } from '../agent/errors.ts';
import type { Clock, Timer } from '../agent/ports/clock.ts';
import type { Log } from '../agent/ports/log.ts';
import { RamHistory, type SensorHistory } from './history.ts';
import type { Instant, Reading } from './reading.ts';
import { SampledSensor, type SamplingContext } from './sampled-sensor.ts';
import type { Sensor } from './sensor.ts';

/** A sensor that the kernel shows no more stays listed as stale for this long, so that its absence is noticed. */
const FORGET_AFTER_MS = 600_000;
/** Part of the interval by which a round comes earlier or later, so that a fleet's boards do not act in step. */
const JITTER = 0.1;

export interface SamplerOptions {
  clock: Clock;
  log: Log;
  /** Uniform in [0, 1). */
  random: () => number;
  /** Whether the wall clock is set; readings bear no time while it is not. */
  clockSynchronised: () => boolean;
}

export class Sampler {
  readonly #options: SamplerOptions;
  readonly #context: SamplingContext;
  /** Interval -> when its next round is. */
  readonly #rounds = new Map<number, Timer>();
  readonly #sampled = new Map<string, SampledSensor>();
  /** When discovery first missed a sensor, monotonic. */
  readonly #missedSinceMs = new Map<string, number>();
  readonly #history: RamHistory;
  #seq = 0;

  constructor(options: SamplerOptions) {
    this.#options = options;
    const { clock, log } = options;
    this.#history = new RamHistory({
      now: () => this.#now(),
      onFault: (error) => log.error('sensors.listener-failed', { problem: sentenceOf(error) }),
    });
    this.#context = { clock, log, history: this.#history, nextSeq: () => ++this.#seq };
  }

  /** The values of the last hours. */
  get history(): SensorHistory {
    return this.#history;
  }

  /**
   * Samples exactly these sensors from now on: new ones at once, those already known without a break. Resolves when
   * every sensor has been tried once.
   */
  async track(sensors: readonly Sensor[]): Promise<void> {
    const found = new Set(sensors.map((sensor) => sensor.id));
    for (const id of this.#sampled.keys()) if (!found.has(id)) this.#miss(id);
    for (const sensor of sensors) this.#found(sensor);
    this.#planRounds();
    await Promise.all([...this.#sampled.values()].map((sampled) => sampled.firstAttempt));
  }

  stop(): void {
    for (const sampled of this.#sampled.values()) sampled.stop();
    this.#sampled.clear();
    this.#planRounds();
    this.#missedSinceMs.clear();
  }

  /** In the order in which the sensors were found. */
  readings(): Reading[] {
    const now = this.#now();
    return [...this.#sampled.values()].map((sampled) => sampled.reading(now));
  }

  /** Null: there is no such sensor. */
  reading(id: string): Reading | null {
    return this.#sampled.get(id)?.reading(this.#now()) ?? null;
  }

  /** Those of the sensor for metrics; empty where there are none. */
  labels(id: string): Readonly<Record<string, string>> {
    return this.#sampled.get(id)?.labels ?? {};
  }

  #found(sensor: Sensor): void {
    this.#missedSinceMs.delete(sensor.id);
    const known = this.#sampled.get(sensor.id);
    if (known) {
      known.replace(sensor);
      return;
    }
    const sampled = new SampledSensor(sensor, this.#context);
    this.#sampled.set(sensor.id, sampled);
    sampled.sample();
  }

  #miss(id: string): void {
    const now = this.#options.clock.monotonicMs();
    const since = this.#missedSinceMs.get(id) ?? now;
    this.#missedSinceMs.set(id, since);
    if (now - since < FORGET_AFTER_MS) return;
    this.#sampled.get(id)?.stop();
    this.#sampled.delete(id);
    this.#history.forget(id);
    this.#missedSinceMs.delete(id);
    this.#options.log.info('sensor.forgotten', { sensor: id });
  }

  /** One round for every interval that a sensor has. */
  #planRounds(): void {
    const intervals = new Set([...this.#sampled.values()].map((sampled) => sampled.intervalMs));
    for (const [intervalMs, timer] of this.#rounds) {
      if (intervals.has(intervalMs)) continue;
      timer.cancel();
      this.#rounds.delete(intervalMs);
    }
    for (const intervalMs of intervals) if (!this.#rounds.has(intervalMs)) this.#planRound(intervalMs);
  }

  #planRound(intervalMs: number): void {
    const { clock, random } = this.#options;
    const delayMs = intervalMs * (1 - JITTER + 2 * JITTER * random());
    const round = () => {
      this.#planRound(intervalMs);
      for (const sampled of this.#sampled.values()) if (sampled.intervalMs === intervalMs) sampled.sample();
    };
    this.#rounds.set(intervalMs, clock.after(delayMs, round));
  }

  #now(): Instant {
    const { clock, clockSynchronised } = this.#options;
    return { monotonicMs: clock.monotonicMs(), wallMs: clockSynchronised() ? clock.wallMs() : null };
  }
}
