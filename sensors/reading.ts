/** A reading as it is served: the last value of a sensor, how old it is and what it is worth. */
import type { Sensor, SensorValue } from './sensor.ts';

/**
 * `ok`: the value is at most three intervals old. `stale`: it is older, and `reason` says why. `error`: there is no
 * value, because no read has succeeded yet.
 */
export type Quality = 'ok' | 'stale' | 'error';

export interface Reading {
  id: string;
  name: string;
  kind: string;
  value: SensorValue | null;
  unit: string | null;
  /** When the value was read, RFC 3339 in UTC; null while the board's clock is not set. */
  time: string | null;
  /** Age of the value on the monotonic clock, which is right even where the wall clock is not. */
  ageMs: number | null;
  quality: Quality;
  /** Why the last attempt failed, one sentence; null when it succeeded. */
  reason: string | null;
  /** Grows with every value that this node reads of any sensor; 0: none yet. */
  seq: number;
}

/** What the sampler remembers of one sensor. */
export interface Sample {
  value: SensorValue;
  /** Monotonic milliseconds. */
  takenAtMs: number;
  seq: number;
}

/** Now, on both clocks; `wallMs` is null while the wall clock is not to be believed. */
export interface Instant {
  monotonicMs: number;
  wallMs: number | null;
}

/** A value may miss two reads in a row, as sensors on a wire do, before it counts as stale. */
const FRESH_INTERVALS = 3;

/** The reading of `sensor` as of `now`; `problem` is the last attempt's, null when that succeeded. */
export function readingOf(
  sensor: Sensor,
  sample: Sample | null,
  problem: string | null,
  now: Instant,
): Reading {
  const { id, name, kind, unit } = sensor;
  if (!sample) {
    const reason = problem ?? 'it has not been read yet';
    return { id, name, kind, value: null, unit, time: null, ageMs: null, quality: 'error', reason, seq: 0 };
  }
  const ageMs = Math.max(0, Math.round(now.monotonicMs - sample.takenAtMs));
  const fresh = ageMs <= FRESH_INTERVALS * sensor.intervalMs;
  // Derived from the age, so that a clock that was set in between gives the right time afterwards.
  const time = now.wallMs === null ? null : rfc3339(now.wallMs - ageMs);
  const quality = fresh ? 'ok' : 'stale';
  const reason = problem ?? (fresh ? null : 'no read has ended since');
  return { id, name, kind, value: sample.value, unit, time, ageMs, quality, reason, seq: sample.seq };
}

/** `2026-11-23T11:45:04.120Z`. */
export function rfc3339(wallMs: number): string {
  return new Date(wallMs).toISOString();
}
