/** A signed document is a DSSE envelope whose payload passes one strict schema; this is the only way in and out. */
import * as v from 'valibot';
import { Refusal } from '../../agent/errors.ts';
import { type DocumentKind, MAX_DOCUMENT_BYTES, payloadTypeOf } from '../../agent/trust/document-kinds.ts';
import {
  countSigners,
  type Envelope,
  payloadJson,
  readEnvelope,
  type SigningKey,
  signEnvelope,
} from '../../agent/trust/signed-envelope.ts';

/** Any schema of a document. */
export type Schema = v.GenericSchema<unknown, unknown>;

/** Signs what its own schema accepts, so nothing is ever issued that a device could not read. */
export function signDocument<S extends Schema>(
  kind: DocumentKind,
  schema: S,
  payload: v.InferInput<S> & object,
  keys: readonly SigningKey[],
): Uint8Array {
  parsePayload(kind, schema, payload);
  const bytes = signEnvelope(payloadTypeOf(kind), payload, keys);
  refuseOversize(kind, bytes);
  return bytes;
}

/**
 * The document, once `threshold` of `publicKeys` signed it. Checks in this order, each with its Refusal: size
 * (`too-large`), form (`not-an-envelope`), type (`wrong-type`), signatures (`bad-signature`), JSON (`not-json`), shape (`bad-schema`).
 */
export function openDocument<S extends Schema>(
  kind: DocumentKind,
  schema: S,
  bytes: Uint8Array,
  publicKeys: readonly Uint8Array[],
  threshold = 1,
): v.InferOutput<S> {
  const envelope = documentEnvelope(kind, bytes);
  requireSigners(kind, envelope, publicKeys, threshold);
  return parsePayload(kind, schema, payloadJson(envelope));
}

/** Throws Refusal('bad-signature') unless `threshold` of the keys signed the envelope. */
export function requireSigners(
  kind: DocumentKind,
  envelope: Envelope,
  publicKeys: readonly Uint8Array[],
  threshold: number,
): void {
  if (countSigners(envelope, publicKeys) >= threshold) return;
  throw new Refusal('bad-signature', `this ${kind} is not signed by the keys that it must be signed with`);
}

/**
 * The document without a look at its signatures. For what names its own keys (a root, a hello), whose signatures the
 * caller checks next, and for what lies in our own state since it was verified.
 */
export function readUnverified<S extends Schema>(
  kind: DocumentKind,
  schema: S,
  bytes: Uint8Array,
): { envelope: Envelope; document: v.InferOutput<S> } {
  const envelope = documentEnvelope(kind, bytes);
  return { envelope, document: parsePayload(kind, schema, payloadJson(envelope)) };
}

function documentEnvelope(kind: DocumentKind, bytes: Uint8Array): Envelope {
  refuseOversize(kind, bytes);
  return readEnvelope(bytes, payloadTypeOf(kind));
}

function refuseOversize(kind: DocumentKind, bytes: Uint8Array): void {
  const limit = MAX_DOCUMENT_BYTES[kind];
  if (bytes.length <= limit) return;
  throw new Refusal('too-large', `a ${kind} of ${bytes.length} bytes is over the limit of ${limit}`);
}

function parsePayload<S extends Schema>(kind: DocumentKind, schema: S, payload: unknown): v.InferOutput<S> {
  const result = v.safeParse(schema, payload);
  if (result.success) return result.output;
  throw new Refusal('bad-schema', `this ${kind} has a wrong ${placeOf(result.issues[0])}`);
}

/** Where in the document, and what stands there: `network.mtuBytes (1 received)`. */
export function placeOf(issue: v.BaseIssue<unknown>): string {
  return `${v.getDotPath(issue) ?? 'document'} (${issue.received.slice(0, 60)} received)`;
}
