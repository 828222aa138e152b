/**
 * The values of the last hours, in RAM and bounded in bytes: nothing is written to flash. Every sensor has a ring that
 * grows while there is room; when there is none, a newcomer gets its room from the longest ring. Numbers are kept, and
 * the gaps where a sensor failed; texts are told to listeners only, because facts hardly change.
 */
import { HistoryRing, MIN_ENTRIES } from './history-ring.ts';
import type { Instant, Quality } from './reading.ts';
import type { SensorValue } from './sensor.ts';

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
  /**
   * Entries of the last `sinceMs` milliseconds (an age, which is right even where the wall clock is not), oldest first;
   * of more than `max` the newest. Empty where there is no such sensor.
   */
  since(id: string, sinceMs: number, max: number): HistoryEntry[];
  /** Tells of every entry when it is made; the result ends that. A listener that throws is not the sampler's concern. */
  onReading(listener: (id: string, entry: HistoryEntry) => void): () => void;
}

export interface HistoryOptions {
  now: () => Instant;
  /** All rings together. */
  budgetBytes?: number;
  /** A listener threw. */
  onFault?: (error: unknown) => void;
}

/** Some 80,000 values: 50 sensors at 1 Hz for half an hour, or at 5 s for two hours. */
const BUDGET_BYTES = 2_097_152;
const MAX_ENTRIES = 8_192;

export class RamHistory implements SensorHistory {
  readonly #options: HistoryOptions;
  readonly #budgetEntries: number;
  readonly #rings = new Map<string, HistoryRing>();
  readonly #listeners = new Set<(id: string, entry: HistoryEntry) => void>();
  #entries = 0;

  constructor(options: HistoryOptions) {
    this.#options = options;
    this.#budgetEntries = Math.floor((options.budgetBytes ?? BUDGET_BYTES) / HistoryRing.ENTRY_BYTES);
  }

  /** What the rings hold now. */
  get bytes(): number {
    return this.#entries * HistoryRing.ENTRY_BYTES;
  }

  since(id: string, sinceMs: number, max: number): HistoryEntry[] {
    const now = this.#options.now();
    const newest = this.#rings.get(id)?.newest(now.monotonicMs - sinceMs, max) ?? [];
    return newest.map(({ seq, takenAtMs, value }) => entryOf(seq, takenAtMs, value, now));
  }

  onReading(listener: (id: string, entry: HistoryEntry) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** `value` null: reads fail from here on. */
  append(id: string, seq: number, takenAtMs: number, value: SensorValue | null): void {
    if (typeof value !== 'string') this.#ringFor(id)?.append(seq, takenAtMs, value);
    const entry = entryOf(seq, takenAtMs, value, this.#options.now());
    for (const listener of this.#listeners) {
      try {
        listener(id, entry);
      } catch (error) {
        this.#options.onFault?.(error);
      }
    }
  }

  forget(id: string): void {
    this.#entries -= this.#rings.get(id)?.capacity ?? 0;
    this.#rings.delete(id);
  }

  /** Null: there is no room for one more sensor. */
  #ringFor(id: string): HistoryRing | null {
    const known = this.#rings.get(id);
    if (known) {
      if (known.full && known.capacity < MAX_ENTRIES && this.#room() >= known.capacity) {
        this.#resize(known, 2 * known.capacity);
      }
      return known;
    }
    if (this.#room() < MIN_ENTRIES) this.#halveLongest();
    if (this.#room() < MIN_ENTRIES) return null;
    const ring = new HistoryRing();
    this.#entries += ring.capacity;
    this.#rings.set(id, ring);
    return ring;
  }

  #room(): number {
    return this.#budgetEntries - this.#entries;
  }

  #halveLongest(): void {
    let longest: HistoryRing | null = null;
    for (const ring of this.#rings.values())
      if (ring.capacity > (longest?.capacity ?? MIN_ENTRIES)) longest = ring;
    if (longest) this.#resize(longest, longest.capacity / 2);
  }

  #resize(ring: HistoryRing, capacity: number): void {
    this.#entries += capacity - ring.capacity;
    ring.resize(capacity);
  }
}

function entryOf(seq: number, takenAtMs: number, value: SensorValue | null, now: Instant): HistoryEntry {
  const ageMs = Math.max(0, Math.round(now.monotonicMs - takenAtMs));
  const timeMs = now.wallMs === null ? null : now.wallMs - ageMs;
  return { seq, timeMs, ageMs, value, quality: value === null ? 'error' : 'ok' };
}
