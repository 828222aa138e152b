/**
 * What stands inside a sealed signal: who says it to whom, in which order, with the sender's membership certificate so
 * that the receiver needs no look-up. Sizes are capped here; authenticity is checked by signalling/sealed-signals.ts.
 */
import * as v from 'valibot';
import { ID_PATTERN } from './node-address.ts';

/** DSSE payload type of a signal. */
export const SIGNAL_PAYLOAD_TYPE = 'application/vnd.tincan.signal+json;v=1';
/** Largest sealed signal on the broker; an offer with 32 candidates and a certificate is about 9 KiB. */
export const MAX_SIGNAL_BYTES = 32 * 1024;
/** libjuice gathers at most 30 host candidates; more would be an attack. */
export const MAX_CANDIDATES = 32;

const session = v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/));
const sdp = v.pipe(v.string(), v.minLength(1), v.maxLength(8192));
const candidates = v.pipe(
  v.array(
    v.strictObject({
      candidate: v.pipe(v.string(), v.minLength(1), v.maxLength(512)),
      mid: v.pipe(v.string(), v.maxLength(16)),
    }),
  ),
  v.maxLength(MAX_CANDIDATES),
);

const signal = v.variant('kind', [
  v.strictObject({ kind: v.literal('offer'), session, sdp, candidates }),
  v.strictObject({ kind: v.literal('answer'), session, sdp, candidates }),
  v.strictObject({ kind: v.literal('candidates'), session, candidates }),
  v.strictObject({ kind: v.literal('ask'), session }),
  v.strictObject({ kind: v.literal('bye'), session, reason: v.pipe(v.string(), v.maxLength(64)) }),
]);

const nodeId = v.pipe(v.string(), v.regex(ID_PATTERN));

const message = v.strictObject({
  from: nodeId,
  to: nodeId,
  /** bootCount * 2^32 + n: rises over restarts. */
  sequence: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  /** The sender's membership certificate, base64. */
  certificate: v.pipe(v.string(), v.base64(), v.maxLength(16 * 1024)),
  signal,
});

export type SignalMessage = v.InferOutput<typeof message>;

/** Null where the JSON is not exactly a signal message. */
export function readSignalMessage(value: unknown): SignalMessage | null {
  const result = v.safeParse(message, value);
  return result.success ? result.output : null;
}
