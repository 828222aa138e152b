/**
 * `GET /sensors/<id>/history?since=15m&max=100`: what a sensor measured lately, oldest first. `since` is an age (`90s`,
 * `15m`, `2h`), which is right on a board whose clock is not set, or a time (RFC 3339).
 */
import type { Context } from 'hono';
import type { HistoryEntry } from '../history.ts';
import { type Reading, rfc3339 } from '../reading.ts';
import { type ServiceSource, shown } from './service-source.ts';

/** A chart has no more points than this; an answer of them takes some 100 kB. */
const MOST_READINGS = 1_000;
const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;

export function historyResponse(c: Context, services: ServiceSource, reading: Reading): Response {
  const max = readMax(c.req.query('max'));
  if (typeof max === 'string') return c.json({ error: max }, 400);
  const wallMs = services.wallMs();
  const sinceMs = readSince(c.req.query('since'), wallMs);
  if (typeof sinceMs === 'string') return c.json({ error: sinceMs }, 400);
  const { id, name, kind, unit } = reading;
  const readings = services.history.since(id, sinceMs, max).map(pastReading);
  return c.json({ id, name, kind, unit, time: wallMs === null ? null : rfc3339(wallMs), readings });
}

function pastReading({ seq, timeMs, ageMs, value, quality }: HistoryEntry) {
  return { seq, time: timeMs === null ? null : rfc3339(timeMs), ageMs, value, quality };
}

/** The bound, or what is wrong with it in one sentence. */
function readMax(text: string | undefined): number | string {
  if (text === undefined) return MOST_READINGS;
  const max = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (max >= 1 && max <= MOST_READINGS) return max;
  return `max=${shown(text)} is no bound: give a number from 1 to ${MOST_READINGS}`;
}

/** The age in milliseconds up to which readings are wanted, or what is wrong in one sentence. */
function readSince(text: string | undefined, wallMs: number | null): number | string {
  if (text === undefined) return Number.POSITIVE_INFINITY;
  const [, number, unit = ''] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  if (number !== undefined) return Number(number) * (UNIT_MS[unit] ?? 0);
  const timeMs = RFC_3339.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(timeMs)) {
    return `since=${shown(text)} is neither an age such as 90s, 15m or 2h nor a time such as 2026-11-23T11:45:00Z: give one of them`;
  }
  if (wallMs === null)
    return `since=${shown(text)} cannot be told from now, because this board's clock is not set: give an age such as 15m`;
  return Math.max(0, wallMs - timeMs);
}
