/** The newest values of every sensor, in RAM and bounded: nothing is written to flash. */
import type { Clock } from '../agent/ports/clock.ts';
import type { Quality, Reading } from './reading.ts';
import type { Sensor, SensorValue } from './sensor.ts';

export interface HistoryEntry {
  /** Grows with every entry of any sensor of this node. */
  seq: number;
  /** When it was taken, Unix milliseconds; null while the board's clock is not set. */
  timeMs: number | null;
  /** How long ago that was, on the monotonic clock. */
  ageMs: number;
  /** Null: reads failed from here on; quality is `error` then. */
  value: SensorValue | null;
  quality: Quality;
}

export interface SensorHistory {
  /** Entries of the last `sinceMs` milliseconds (an age), oldest first; of more than `max` the newest. */
  since(id: string, sinceMs: number, max: number): HistoryEntry[];
  /** Tells of every entry when it is made; the result ends that. */
  onReading(listener: (id: string, entry: HistoryEntry) => void): () => void;
}

export interface HistoryOptions {
  clock: Clock;
  clockSynchronised: () => boolean;
  /** The sampler's reading of a sensor. */
  reading: (id: string) => Reading | null;
}

interface Kept {
  seq: number;
  takenAtMs: number;
  value: SensorValue;
}

const MOST_ENTRIES = 512;

/** Learns of a value by standing between the sampler and the sensor. */
export class RamHistory implements SensorHistory {
  readonly #options: HistoryOptions;
  readonly #kept = new Map<string, Kept[]>();
  readonly #listeners = new Set<(id: string, entry: HistoryEntry) => void>();

  constructor(options: HistoryOptions) {
    this.#options = options;
  }

  /** The same sensors, whose values are kept here. */
  watched(sensors: readonly Sensor[]): Sensor[] {
    const known = new Set(sensors.map(({ id }) => id));
    for (const id of this.#kept.keys()) if (!known.has(id)) this.#kept.delete(id);
    return sensors.map((sensor) => {
      const { id, name, kind, unit, intervalMs } = sensor;
      const read = async (signal: AbortSignal) => {
        const value = await sensor.read(signal);
        // The sampler numbers the value when this read has ended.
        setImmediate(() => this.#note(id));
        return value;
      };
      return { id, name, kind, unit, intervalMs, read };
    });
  }

  since(id: string, sinceMs: number, max: number): HistoryEntry[] {
    const entries = (this.#kept.get(id) ?? []).map((kept) => this.#entryOf(kept));
    return max < 1 ? [] : entries.filter(({ ageMs }) => ageMs <= sinceMs).slice(-max);
  }

  onReading(listener: (id: string, entry: HistoryEntry) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #note(id: string): void {
    const reading = this.#options.reading(id);
    const ring = this.#kept.get(id) ?? [];
    if (!reading || reading.value === null || reading.seq <= (ring.at(-1)?.seq ?? 0)) return;
    const takenAtMs = this.#options.clock.monotonicMs() - (reading.ageMs ?? 0);
    const kept = { seq: reading.seq, takenAtMs, value: reading.value };
    ring.push(kept);
    if (ring.length > MOST_ENTRIES) ring.shift();
    this.#kept.set(id, ring);
    for (const listener of this.#listeners) listener(id, this.#entryOf(kept));
  }

  #entryOf({ seq, takenAtMs, value }: Kept): HistoryEntry {
    const { clock, clockSynchronised } = this.#options;
    const ageMs = Math.max(0, Math.round(clock.monotonicMs() - takenAtMs));
    return { seq, timeMs: clockSynchronised() ? clock.wallMs() - ageMs : null, ageMs, value, quality: 'ok' };
  }
}
