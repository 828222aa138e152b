/** What followers are told, before it has a form: readings of now, and what one missed who comes back. */
import type { ActuatorState, ActuatorValue } from '../actuator.ts';
import type { HistoryEntry } from '../history.ts';
import { type Reading, rfc3339 } from '../reading.ts';
import type { SensorValue } from '../sensor.ts';
import type { EventIds } from './event-ids.ts';
import type { ReadingSource, ServiceSource } from './service-source.ts';

/** One thing to tell; under `seq` a client resumes, 0: there is no number to resume at. */
export type ServedEvent =
  | { kind: 'reading'; seq: number; reading: Reading }
  /** The bare value, for clients that want one property. */
  | { kind: 'value'; seq: number; value: SensorValue | ActuatorValue }
  | { kind: 'actuator'; seq: 0; state: ActuatorState }
  | { kind: 'ping'; seq: 0; time: string | null };

/** What a client that comes back gets at most of what he missed. */
const MOST_REPLAYED = 500;

/** Empty while there is no value. */
export function valueEvent({ value }: Pick<Reading | ActuatorState, 'value'>, seq: number): ServedEvent[] {
  return value === null ? [] : [{ kind: 'value', seq, value }];
}

/** Every sensor's reading of now, in the order of their numbers, so that the last number is the newest. */
export function snapshot(source: ReadingSource): ServedEvent[] {
  const readings = source.readings().sort((one, other) => one.seq - other.seq);
  return readings.map((reading) => ({ kind: 'reading', seq: reading.seq, reading }));
}

/** What happened after event `lastEventId`; the snapshot instead for an id that this run has not given. */
export function replay(
  { source, history }: ServiceSource,
  ids: EventIds,
  lastEventId: string,
): ServedEvent[] {
  const readings = source.readings();
  const lastSeq = ids.seqOf(lastEventId);
  const entries = readings.map(({ id }) => history.since(id, Number.POSITIVE_INFINITY, MOST_REPLAYED));
  const newestSeq = Math.max(
    0,
    ...readings.map(({ seq }) => seq),
    ...entries.map((of) => of.at(-1)?.seq ?? 0),
  );
  if (lastSeq === null || lastSeq > newestSeq) return snapshot(source);
  const missed = readings.flatMap((reading, index) => missedOf(reading, entries[index] ?? [], lastSeq));
  return missed.sort((one, other) => one.seq - other.seq).slice(-MOST_REPLAYED);
}

/** Of one sensor: its kept entries after `lastSeq`, and its reading of now where that is newer or was not kept. */
function missedOf(reading: Reading, entries: readonly HistoryEntry[], lastSeq: number): ServedEvent[] {
  const past = entries.filter(({ seq }) => seq > lastSeq && seq !== reading.seq);
  const missed = past.map((entry) => readingEvent(entry.seq, readingAt(reading, entry)));
  return reading.seq > lastSeq ? [...missed, readingEvent(reading.seq, reading)] : missed;
}

function readingAt(reading: Reading, { seq, timeMs, ageMs, value, quality }: HistoryEntry): Reading {
  const time = timeMs === null ? null : rfc3339(timeMs);
  const reason = value === null ? 'it could not be read' : null;
  return { ...reading, seq, time, ageMs, value, quality, reason };
}

function readingEvent(seq: number, reading: Reading): ServedEvent {
  return { kind: 'reading', seq, reading };
}
