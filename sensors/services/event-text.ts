/** Server-sent events as text (WHATWG HTML, "Server-sent events"). JSON has no line breaks, so one `data:` line does. */
import type { HistoryEntry } from '../history.ts';
import { type Reading, rfc3339 } from '../reading.ts';
import type { EventIds } from './event-ids.ts';
import type { ReadingSource, ServiceSource } from './service-source.ts';

/** After how long a browser's EventSource comes back. */
const RECONNECT_MS = 3_000;
/** What a client that comes back gets at most of what he missed. */
const MOST_REPLAYED = 500;

/** Goes out at once: a client sees that it is connected although nothing happens. */
export const RETRY = `retry: ${RECONNECT_MS}\n\n`;

/** A reading under the id after which a client resumes; empty: it was never read, so there is none. */
export function readingEvent(reading: Reading, id: string): string {
  return `${idLine(id)}data: ${JSON.stringify(reading)}\n\n`;
}

/** The bare value, for clients that want one property; empty while there is none. */
export function valueEvent({ value }: Reading, id: string): string {
  return value === null ? '' : `${idLine(id)}data: ${JSON.stringify(value)}\n\n`;
}

export function pingEvent(wallMs: number | null): string {
  return `event: ping\ndata: ${JSON.stringify({ time: wallMs === null ? null : rfc3339(wallMs) })}\n\n`;
}

/** Every sensor's reading of now, in the order of their numbers, so that the last number is the newest. */
export function snapshot(source: ReadingSource, ids: EventIds): string {
  const readings = source.readings().sort((one, other) => one.seq - other.seq);
  return readings.map((reading) => readingEvent(reading, ids.of(reading.seq))).join('');
}

/** What happened after event `lastEventId`; the snapshot instead for an id that this run has not given. */
export function replay({ source, history }: ServiceSource, ids: EventIds, lastEventId: string): string {
  const readings = source.readings();
  const lastSeq = ids.seqOf(lastEventId);
  const entries = readings.map(({ id }) => history.since(id, Number.POSITIVE_INFINITY, MOST_REPLAYED));
  const newestSeq = Math.max(
    0,
    ...readings.map(({ seq }) => seq),
    ...entries.map((of) => of.at(-1)?.seq ?? 0),
  );
  if (lastSeq === null || lastSeq > newestSeq) return snapshot(source, ids);
  const missed = readings.flatMap((reading, index) => missedOf(reading, entries[index] ?? [], lastSeq));
  return missed
    .sort((one, other) => one.seq - other.seq)
    .slice(-MOST_REPLAYED)
    .map(({ seq, reading }) => readingEvent(reading, ids.of(seq)))
    .join('');
}

/** Of one sensor: its kept entries after `lastSeq`, and its reading of now where that is newer or was not kept. */
function missedOf(reading: Reading, entries: readonly HistoryEntry[], lastSeq: number) {
  const past = entries.filter(({ seq }) => seq > lastSeq && seq !== reading.seq);
  const missed = past.map((entry) => ({ seq: entry.seq, reading: readingAt(reading, entry) }));
  return reading.seq > lastSeq ? [...missed, { seq: reading.seq, reading }] : missed;
}

function readingAt(reading: Reading, { seq, timeMs, ageMs, value, quality }: HistoryEntry): Reading {
  const time = timeMs === null ? null : rfc3339(timeMs);
  const reason = value === null ? 'it could not be read' : null;
  return { ...reading, seq, time, ageMs, value, quality, reason };
}

function idLine(id: string): string {
  return id === '' ? '' : `id: ${id}\n`;
}
