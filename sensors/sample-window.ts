/**
 * Minimum, maximum and mean of a sensor over a window, as three more sensors: so every service that serves sensors
 * serves them too. The window ends when it is read, hence its length varies by the jitter of the schedule.
 */
import { EnvironmentFault } from '../agent/errors.ts';
import type { Clock } from '../agent/ports/clock.ts';
import type { Sensor, SensorValue } from './sensor.ts';

type Watch = NonNullable<Sensor['watch']>;

interface Summary {
  min: number;
  max: number;
  mean: number;
}

/** The three are read in one round: what is younger than this part of the window is not a new one. */
const SAME_ROUND = 0.5;
const STATISTICS = [
  { name: 'min', words: 'minimum' },
  { name: 'max', words: 'maximum' },
  { name: 'mean', words: 'mean' },
] as const;

export class SampleWindow {
  readonly #clock: Clock;
  readonly #windowMs: number;
  #count = 0;
  #sum = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;
  #last: Summary | null = null;
  #lastEndedAtMs = Number.NEGATIVE_INFINITY;
  #watched: { of: Watch; as: Watch } | null = null;
  #begun: () => void = () => {};
  /** Resolves with the first value: until then there is nothing to sum up. */
  readonly #first = new Promise<void>((resolve) => {
    this.#begun = resolve;
  });

  constructor(clock: Clock, windowMs: number) {
    this.#clock = clock;
    this.#windowMs = windowMs;
  }

  add(value: number): void {
    this.#begun();
    this.#count++;
    this.#sum += value;
    this.#min = Math.min(this.#min, value);
    this.#max = Math.max(this.#max, value);
  }

  /** Of the window that ends now. Throws EnvironmentFault('no-data') when no value came in it. */
  summary(): Summary {
    const now = this.#clock.monotonicMs();
    if (this.#last && now - this.#lastEndedAtMs < SAME_ROUND * this.#windowMs) return this.#last;
    if (this.#count === 0) {
      throw new EnvironmentFault('no-data', `no value came within the last ${this.#windowMs} ms`, {
        retryable: true,
      });
    }
    this.#last = { min: this.#min, max: this.#max, mean: this.#sum / this.#count };
    this.#lastEndedAtMs = now;
    this.#count = 0;
    this.#sum = 0;
    this.#min = Number.POSITIVE_INFINITY;
    this.#max = Number.NEGATIVE_INFINITY;
    return this.#last;
  }

  /** The sensor itself, whose values now fall into this window, and the three that tell of it. */
  sensors(sensor: Sensor): Sensor[] {
    const { watch, ...plain } = sensor;
    // A mean is no second measurement of the same thing.
    const { labels: _, ...derivable } = sensor;
    const watched: Sensor = {
      ...plain,
      read: (signal) => this.#read(sensor, signal),
      ...(watch ? { watch: this.#watching(watch) } : {}),
    };
    const derived = STATISTICS.map(
      ({ name, words }): Sensor => ({
        ...derivable,
        id: `${sensor.id}-${name}`,
        name: `${sensor.name}, ${words} over ${this.#windowMs / 1000} s`,
        intervalMs: this.#windowMs,
        read: async () => {
          await this.#first;
          return this.summary()[name];
        },
      }),
    );
    return [watched, ...derived];
  }

  async #read(sensor: Sensor, signal: AbortSignal): Promise<SensorValue> {
    return this.#seen(await sensor.read(signal));
  }

  /** One function for each sensor, however often it is found: another one would be another watch. */
  #watching(watch: Watch): Watch {
    if (this.#watched?.of !== watch) {
      this.#watched = { of: watch, as: (onValue) => watch((value) => onValue(this.#seen(value))) };
    }
    return this.#watched.as;
  }

  #seen(value: SensorValue): SensorValue {
    if (typeof value === 'number' && Number.isFinite(value)) this.add(value);
    return value;
  }
}
