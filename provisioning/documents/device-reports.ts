/** What a device says about itself, signed by its own key: what became of a config (ack), and presence (status). */
import * as v from 'valibot';
import { Refusal } from '../../agent/errors.ts';
import type { SigningKey } from '../../agent/trust/signed-envelope.ts';
import { idField, reasonField, serialField, textField, timeField } from './document-fields.ts';
import { openDocument, signDocument } from './signed-document.ts';

const countField = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

const AckSchema = v.strictObject({
  fleetId: idField,
  nodeId: idField,
  /** Null when the bytes did not get so far as to have a serial. */
  serial: v.nullable(serialField),
  /** SHA-256 of the envelope, hex. */
  hash: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  outcome: v.picklist(['trial', 'committed', 'rolled-back', 'refused']),
  reason: v.nullable(reasonField),
  problem: v.nullable(textField(300)),
  bootCount: countField,
  at: timeField,
});

export type Ack = v.InferOutput<typeof AckSchema>;

const StatusSchema = v.strictObject({
  fleetId: idField,
  nodeId: idField,
  online: v.boolean(),
  agent: textField(32),
  bootCount: countField,
  at: timeField,
});

export type Presence = v.InferOutput<typeof StatusSchema>;

export function signAck(ack: Ack, deviceKey: SigningKey): Uint8Array {
  return signDocument('ack', AckSchema, ack, [deviceKey]);
}

export function signPresence(presence: Presence, deviceKey: SigningKey): Uint8Array {
  return signDocument('status', StatusSchema, presence, [deviceKey]);
}

/** Throws Refusal: those of openDocument, `wrong-audience` when it speaks for another node. */
export function readAck(bytes: Uint8Array, publicKey: Uint8Array, nodeId: string): Ack {
  return ofNode(openDocument('ack', AckSchema, bytes, [publicKey]), nodeId);
}

/** Throws like readAck. */
export function readPresence(bytes: Uint8Array, publicKey: Uint8Array, nodeId: string): Presence {
  return ofNode(openDocument('status', StatusSchema, bytes, [publicKey]), nodeId);
}

function ofNode<Report extends { nodeId: string }>(report: Report, nodeId: string): Report {
  if (report.nodeId === nodeId) return report;
  throw new Refusal('wrong-audience', `node ${nodeId} cannot report for ${report.nodeId}`);
}
