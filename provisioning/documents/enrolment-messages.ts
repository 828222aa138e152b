/**
 * The two messages of an enrolment. The hello is signed by the new device key, and its proof (HMAC-SHA-256 under the
 * claim's secret) covers that key: whoever does not hold the claim can neither make a hello nor put his key into one.
 * The reply is signed by the fleet's config key and bound to the claim, the hello's nonce and the node.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import * as v from 'valibot';
import { Refusal } from '../../agent/errors.ts';
import type { SigningKey } from '../../agent/trust/signed-envelope.ts';
import { idOfPublicKey } from '../../agent/wire/node-address.ts';
import {
  base64Of,
  bytesField,
  claimIdField,
  idField,
  reasonField,
  textField,
  timeField,
} from './document-fields.ts';
import type { RootDocument } from './root-document.ts';
import { openDocument, readUnverified, requireSigners, signDocument } from './signed-document.ts';

export const NONCE_BYTES = 16;

/** What the board is, for the owner's list; nothing is decided by it. */
export const HardwareSchema = v.strictObject({
  model: textField(128),
  arch: textField(32),
  agent: textField(32),
});

export type Hardware = v.InferOutput<typeof HardwareSchema>;

const HelloSchema = v.strictObject({
  fleetId: idField,
  claimId: claimIdField,
  nonce: bytesField(NONCE_BYTES),
  publicKey: bytesField(32),
  sealingKey: bytesField(32),
  bootCount: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  hardware: HardwareSchema,
  proof: bytesField(32),
});

export type Hello = v.InferOutput<typeof HelloSchema>;

const ReplySchema = v.strictObject({
  fleetId: idField,
  claimId: claimIdField,
  nonce: bytesField(NONCE_BYTES),
  nodeId: idField,
  issuedAt: timeField,
  /** Null: admitted. */
  refusal: v.nullable(v.strictObject({ reason: reasonField, problem: textField(300), final: v.boolean() })),
});

export type Reply = v.InferOutput<typeof ReplySchema>;

/** A hello without its proof, which is made here. */
export function signHello(
  hello: Omit<Hello, 'proof'>,
  secret: Uint8Array,
  deviceKey: SigningKey,
): Uint8Array {
  const payload = {
    ...hello,
    nonce: base64Of(hello.nonce),
    publicKey: base64Of(hello.publicKey),
    sealingKey: base64Of(hello.sealingKey),
    proof: base64Of(proofOf(hello, secret)),
  };
  return signDocument('hello', HelloSchema, payload, [deviceKey]);
}

/** A hello signed by the key that it names; its proof is still to be checked. Throws Refusal: those of openDocument. */
export function readHello(bytes: Uint8Array): Hello {
  const { envelope, document } = readUnverified('hello', HelloSchema, bytes);
  requireSigners('hello', envelope, [document.publicKey], 1);
  return document;
}

/** Whether the sender holds the claim's secret; takes the same time for every wrong proof. */
export function proves(hello: Hello, secret: Uint8Array): boolean {
  return timingSafeEqual(hello.proof, proofOf(hello, secret));
}

export function signReply(reply: Reply, configKey: SigningKey): Uint8Array {
  return signDocument('reply', ReplySchema, { ...reply, nonce: base64Of(reply.nonce) }, [configKey]);
}

/** What a reply must answer. */
export interface AskedBy {
  claimId: string;
  nonce: Uint8Array;
  nodeId: string;
}

/** Throws Refusal: those of openDocument, `not-our-reply` when it answers another claim, nonce or node. */
export function readReply(bytes: Uint8Array, root: RootDocument, asked: AskedBy): Reply {
  const { config } = root.roles;
  const reply = openDocument('reply', ReplySchema, bytes, config.keys, config.threshold);
  const ours =
    reply.fleetId === root.fleetId &&
    reply.claimId === asked.claimId &&
    reply.nodeId === asked.nodeId &&
    Buffer.from(reply.nonce).equals(asked.nonce);
  if (ours) return reply;
  throw new Refusal('not-our-reply', `this reply is for node ${reply.nodeId}, or for an earlier question`);
}

/** Every field has a fixed length, so the concatenation has one reading only. */
function proofOf(hello: Omit<Hello, 'proof'>, secret: Uint8Array): Uint8Array {
  return createHmac('sha256', secret)
    .update(`tincan hello v1 ${hello.fleetId} ${hello.claimId} `)
    .update(hello.nonce)
    .update(hello.publicKey)
    .update(hello.sealingKey)
    .digest();
}

/** The node that a hello's sender is. */
export function nodeIdOf(hello: Hello): string {
  return idOfPublicKey(hello.publicKey);
}
