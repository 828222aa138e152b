/** The last values of one sensor, in typed arrays: 24 bytes a value, and no objects for the garbage collector. */

/** A ring's first size; sizes are this times a power of two. */
export const MIN_ENTRIES = 64;

export interface RingEntry {
  seq: number;
  /** Monotonic milliseconds. */
  takenAtMs: number;
  /** Null: a gap. */
  value: number | null;
}

const FIELDS = 3;

export class HistoryRing {
  static readonly ENTRY_BYTES = FIELDS * Float64Array.BYTES_PER_ELEMENT;
  /** Entry after entry: seq, takenAtMs, value (NaN: a gap). */
  #cells = new Float64Array(FIELDS * MIN_ENTRIES);
  /** Where the next entry goes. */
  #next = 0;
  #length = 0;

  get capacity(): number {
    return this.#cells.length / FIELDS;
  }

  get full(): boolean {
    return this.#length === this.capacity;
  }

  /** Takes the place of the oldest entry when the ring is full. */
  append(seq: number, takenAtMs: number, value: number | null): void {
    this.#cells.set([seq, takenAtMs, value ?? Number.NaN], FIELDS * this.#next);
    this.#next = (this.#next + 1) % this.capacity;
    this.#length = Math.min(this.#length + 1, this.capacity);
  }

  /** At most `max` entries that were taken at `fromMs` or later, oldest first. */
  newest(fromMs: number, max: number): RingEntry[] {
    const entries: RingEntry[] = [];
    for (let back = 1; back <= this.#length && entries.length < max; back++) {
      const entry = this.#at((this.#next - back + this.capacity) % this.capacity);
      if (entry.takenAtMs < fromMs) break;
      entries.push(entry);
    }
    return entries.reverse();
  }

  /** Keeps the newest entries that fit. */
  resize(capacity: number): void {
    const kept = this.newest(Number.NEGATIVE_INFINITY, capacity);
    this.#cells = new Float64Array(FIELDS * capacity);
    this.#next = 0;
    this.#length = 0;
    for (const { seq, takenAtMs, value } of kept) this.append(seq, takenAtMs, value);
  }

  #at(index: number): RingEntry {
    const [seq = 0, takenAtMs = 0, value = Number.NaN] = this.#cells.subarray(
      FIELDS * index,
      FIELDS * index + FIELDS,
    );
    return { seq, takenAtMs, value: Number.isNaN(value) ? null : value };
  }
}
