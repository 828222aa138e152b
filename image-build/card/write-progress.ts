/** How far a long transfer is: percent, rate and time left, in one line. */
import type { Clock } from '../../agent/ports/clock.ts';
import { gigabytes } from './target-check.ts';

/** Rates are of the last seconds: cards slow down when their cache is full. */
const WINDOW_MS = 8_000;
/** What a cache took at once says nothing of the card's speed. */
const SHORTEST_MS = 200;

export class WriteProgress {
  readonly #label: string;
  readonly #totalBytes: number;
  readonly #clock: Clock;
  #samples: { atMs: number; bytes: number }[] = [];

  constructor(label: string, totalBytes: number, clock: Clock) {
    this.#label = label;
    this.#totalBytes = totalBytes;
    this.#clock = clock;
    this.#samples.push({ atMs: clock.monotonicMs(), bytes: 0 });
  }

  /** The line for `bytes` done so far: `writing 42 %  1.3 of 3.1 GB  21.4 MB/s  1:25 left`. */
  line(bytes: number): string {
    const nowMs = this.#clock.monotonicMs();
    this.#samples.push({ atMs: nowMs, bytes });
    while (this.#samples.length > 2 && nowMs - (this.#samples[1]?.atMs ?? nowMs) > WINDOW_MS)
      this.#samples.shift();
    const percent = Math.floor((bytes / Math.max(1, this.#totalBytes)) * 100);
    const parts = [`${this.#label} ${percent} %`, `${gigabytes(bytes)} of ${gigabytes(this.#totalBytes)}`];
    const rate = this.#bytesPerSecond();
    if (rate > 0) {
      parts.push(`${(rate / 1e6).toFixed(1)} MB/s`, `${minutes((this.#totalBytes - bytes) / rate)} left`);
    }
    return parts.join('  ');
  }

  #bytesPerSecond(): number {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (!first || !last || last.atMs - first.atMs < SHORTEST_MS) return 0;
    return ((last.bytes - first.bytes) * 1_000) / (last.atMs - first.atMs);
  }
}

function minutes(seconds: number): string {
  const whole = Math.ceil(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}
