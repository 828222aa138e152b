/**
 * `GET /senml`: the readings as a SenML pack (RFC 8428), in JSON or CBOR. On a board whose clock is not set the times
 * are relative to now, which is what SenML has negative times for.
 */
import { encode } from 'cborg';
import type { Reading } from '../reading.ts';
import type { ServedNode } from './service-source.ts';

export const SENML_TYPES = { json: 'application/senml+json', cbor: 'application/senml+cbor' } as const;

/** The fields of RFC 8428 section 4 that are used here, under their JSON names. */
export interface SenmlRecord {
  /** Base name. */
  bn?: string;
  /** Base time, Unix seconds. */
  bt?: number;
  n?: string;
  u?: string;
  v?: number;
  vs?: string;
  /** Seconds after the base time; without one, seconds from now. */
  t?: number;
}

/** RFC 8428 section 6, table 4. */
const CBOR_LABELS: Readonly<Record<keyof SenmlRecord, number>> = {
  bn: -2,
  bt: -3,
  n: 0,
  u: 1,
  v: 2,
  vs: 3,
  t: 6,
};

/** Names are `<node id>/<sensor id>`: a node id is the hash of its key, so they are unique in the world. */
export function senmlPack(
  node: ServedNode,
  readings: readonly Reading[],
  wallMs: number | null,
): SenmlRecord[] {
  const base: SenmlRecord = { bn: `${node.id}/`, ...(wallMs === null ? {} : { bt: wallMs / 1000 }) };
  const records = readings.flatMap(recordOf);
  const [first, ...others] = records;
  // A pack has at least one record.
  return [{ ...base, ...first }, ...others];
}

/** CBOR has numbers for the field names (RFC 8428 section 6). */
export function senmlCbor(pack: readonly SenmlRecord[]): Uint8Array<ArrayBuffer> {
  const records = pack.map((record) => {
    const fields = Object.entries(record) as Array<[keyof SenmlRecord, string | number]>;
    return new Map(fields.map(([name, value]) => [CBOR_LABELS[name], value]));
  });
  return new Uint8Array(encode(records));
}

/** Without a value there is nothing to say in SenML: it has no quality. */
function recordOf({ id, unit, value, ageMs }: Reading): SenmlRecord[] {
  if (value === null || ageMs === null) return [];
  const time = ageMs === 0 ? {} : { t: -ageMs / 1000 };
  if (typeof value === 'string') return [{ n: id, vs: value, ...time }];
  return [{ n: id, ...(unit === null ? {} : { u: unit }), v: value, ...time }];
}
