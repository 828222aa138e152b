/**
 * What a node serves at `/sensors` and `/events`, checked: for readers on other nodes, to whom it is text from a stranger.
 * Fields that are not known here are left out, so that an older reader can follow a newer node.
 */
import * as v from 'valibot';
import type { Reading } from '../reading.ts';

/** An id has at most 128 characters where the config names it; names and reasons are sentences. */
const idText = v.pipe(v.string(), v.minLength(1), v.maxLength(256));
const sentence = v.pipe(v.string(), v.maxLength(1024));
const MOST_SENSORS = 4096;

/** One reading. */
export const servedReading: v.GenericSchema<unknown, Reading> = v.object({
  id: idText,
  name: sentence,
  kind: sentence,
  value: v.nullable(v.union([v.pipe(v.number(), v.finite()), sentence])),
  unit: v.nullable(v.pipe(v.string(), v.maxLength(32))),
  time: v.nullable(v.pipe(v.string(), v.maxLength(64))),
  ageMs: v.nullable(v.pipe(v.number(), v.minValue(0))),
  quality: v.picklist(['ok', 'stale', 'error']),
  reason: v.nullable(sentence),
  seq: v.pipe(v.number(), v.safeInteger()),
});

/** The body of `GET /sensors`, as far as readers need it. */
export const servedReadings: v.GenericSchema<unknown, { sensors: Reading[] }> = v.object({
  sensors: v.pipe(v.array(servedReading), v.maxLength(MOST_SENSORS)),
});

/** What a node answers where it refuses. */
export const servedRefusal = v.object({ error: v.string() });
