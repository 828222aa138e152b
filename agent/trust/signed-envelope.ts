/**
 * DSSE v1 envelopes (secure-systems-lab/dsse, protocol.md) with Ed25519 signatures (RFC 8032): the one form in which
 * anything signed travels. The signature covers the payload type and the exact payload bytes, which are decoded once
 * and never re-encoded, so there is no canonical form to disagree about.
 */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { dsse } from '@sigstore/core';
import { Refusal } from '../errors.ts';
import { idOfPublicKey } from '../wire/node-address.ts';

/** Larger envelopes are refused before they are parsed; brokers commonly cap messages at 128 KiB. */
const MAX_ENVELOPE_BYTES = 64 * 1024;

export interface SigningKey {
  /** idOfPublicKey of the public half. */
  readonly keyId: string;
  /** Raw Ed25519 public key, 32 bytes. */
  readonly publicKey: Uint8Array;
  readonly privateKey: KeyObject;
}

export interface Envelope {
  readonly payloadType: string;
  readonly payload: Uint8Array;
  readonly signatures: ReadonlyArray<{ keyId: string; signature: Uint8Array }>;
}

/** The envelope's JSON bytes; the payload is serialised once, here. */
export function signEnvelope(payloadType: string, payload: object, keys: readonly SigningKey[]): Uint8Array {
  const body = Buffer.from(JSON.stringify(payload));
  const encoding = dsse.preAuthEncoding(payloadType, body);
  const signatures = keys.map((key) => ({
    keyid: key.keyId,
    sig: sign(null, encoding, key.privateKey).toString('base64'),
  }));
  return Buffer.from(JSON.stringify({ payloadType, payload: body.toString('base64'), signatures }));
}

/**
 * Parses an envelope without trusting it. Throws Refusal: `too-large`, `not-an-envelope`, `wrong-type`.
 * `payloadType` is the only type allowed where the bytes came from, so no document can pose as another.
 */
export function readEnvelope(bytes: Uint8Array, payloadType: string): Envelope {
  if (bytes.length > MAX_ENVELOPE_BYTES) {
    throw new Refusal(
      'too-large',
      `a signed document of ${bytes.length} bytes is over the limit of ${MAX_ENVELOPE_BYTES}`,
    );
  }
  const shape = parseShape(bytes);
  if (!shape) throw new Refusal('not-an-envelope', 'these bytes are not a DSSE envelope');
  if (shape.payloadType !== payloadType) {
    throw new Refusal('wrong-type', `expected a document of type ${payloadType}, got ${shape.payloadType}`);
  }
  return shape;
}

/** How many distinct keys out of `publicKeys` signed it. A key counts once, however often it signed. */
export function countSigners(envelope: Envelope, publicKeys: readonly Uint8Array[]): number {
  const encoding = dsse.preAuthEncoding(envelope.payloadType, Buffer.from(envelope.payload));
  const signers = new Set<string>();
  for (const publicKey of publicKeys) {
    const keyId = idOfPublicKey(publicKey);
    const signatures = envelope.signatures.filter((entry) => entry.keyId === keyId).slice(0, 4);
    const key = publicKeyObject(publicKey);
    if (signatures.some((entry) => verify(null, encoding, key, entry.signature))) signers.add(keyId);
  }
  return signers.size;
}

/** The payload as JSON, with keys that could reach a prototype removed. Throws Refusal('not-json'). */
export function payloadJson(envelope: Envelope): unknown {
  const value = parseJson(envelope.payload);
  if (value === undefined)
    throw new Refusal('not-json', `the payload of this ${envelope.payloadType} is not JSON`);
  return value;
}

/** A raw 32-byte Ed25519 public key as node:crypto wants it. */
function publicKeyObject(raw: Uint8Array): KeyObject {
  return createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(raw).toString('base64url') },
    format: 'jwk',
  });
}

function rawPublicKey(key: KeyObject): Uint8Array {
  const { x } = createPublicKey(key.export({ type: 'pkcs8', format: 'pem' })).export({ format: 'jwk' });
  return Buffer.from(x ?? '', 'base64url');
}

/** A new Ed25519 key, as the PEM that signingKeyOfPem reads. */
export function newSigningKeyPem(): string {
  const { privateKey } = generateKeyPairSync('ed25519');
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** Throws Refusal('bad-key') where the text is not an Ed25519 private key in PEM (PKCS #8). */
export function signingKeyOfPem(pem: string | Uint8Array): SigningKey {
  try {
    const privateKey = createPrivateKey(Buffer.from(pem));
    if (privateKey.asymmetricKeyType !== 'ed25519') throw new TypeError(`${privateKey.asymmetricKeyType}`);
    const publicKey = rawPublicKey(privateKey);
    return { keyId: idOfPublicKey(publicKey), publicKey, privateKey };
  } catch (error) {
    throw new Refusal('bad-key', 'this is not an Ed25519 private key in PEM form', { cause: error });
  }
}

function parseShape(bytes: Uint8Array): Envelope | null {
  const value = parseJson(bytes);
  if (typeof value !== 'object' || value === null) return null;
  const { payloadType, payload, signatures } = value as Record<string, unknown>;
  if (typeof payloadType !== 'string' || !Array.isArray(signatures) || signatures.length > 16) return null;
  const body = strictBase64(payload);
  if (!body) return null;
  const read: Array<{ keyId: string; signature: Uint8Array }> = [];
  for (const entry of signatures as unknown[]) {
    if (typeof entry !== 'object' || entry === null) return null;
    const { keyid, sig } = entry as Record<string, unknown>;
    const signature = strictBase64(sig);
    if (typeof keyid !== 'string' || signature?.length !== 64) return null;
    read.push({ keyId: keyid, signature });
  }
  return { payloadType, payload: body, signatures: read };
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return JSON.parse(text, (key, value) => (key === '__proto__' ? undefined : value));
  } catch {
    return undefined;
  }
}

/** Only the canonical encoding, so that one document has one form. */
function strictBase64(text: unknown): Uint8Array | null {
  if (typeof text !== 'string') return null;
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : null;
}
