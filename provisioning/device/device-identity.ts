/** Who this device is: an Ed25519 key and an X25519 key, made on the first boot and never handed to anybody. */
import * as v from 'valibot';
import type { FileStore } from '../../agent/ports/file-store.ts';
import type { Sealer } from '../../agent/ports/sealer.ts';
import { newSigningKeyPem, type SigningKey, signingKeyOfPem } from '../../agent/trust/signed-envelope.ts';
import { base64Of, bytesField } from '../documents/document-fields.ts';
import { createJson, readJson, writeJson } from '../documents/stored-json.ts';

/** Before any Tincan; hours since then stay below 2^21, the room that signals have for the count, until 2265. */
const COUNT_EPOCH_MS = Date.UTC(2026, 0, 1);

const IDENTITY_FILE = 'identity.json';
const BOOT_FILE = 'boot.json';

const IdentitySchema = v.strictObject({
  signingKey: v.pipe(v.string(), v.startsWith('-----BEGIN PRIVATE KEY-----')),
  sealingPublicKey: bytesField(32),
  sealingPrivateKey: bytesField(32),
});

const BootSchema = v.strictObject({ count: v.pipe(v.number(), v.safeInteger(), v.minValue(0)) });

export interface DeviceIdentity {
  /** Derived from the signing key's public half. */
  readonly nodeId: string;
  readonly signingKey: SigningKey;
  readonly sealingPublicKey: Uint8Array;
  readonly sealingPrivateKey: Uint8Array;
}

/** The identity on disk, or null before the first boot; changes nothing. Throws EnvironmentFault('state-corrupt'). */
export async function readIdentity(store: FileStore): Promise<DeviceIdentity | null> {
  const stored = await readJson(store, IDENTITY_FILE, IdentitySchema);
  if (!stored) return null;
  const signingKey = signingKeyOfPem(stored.signingKey);
  const { sealingPublicKey, sealingPrivateKey } = stored;
  return { nodeId: signingKey.keyId, signingKey, sealingPublicKey, sealingPrivateKey };
}

/** The identity on disk; makes it on the first boot. Both keys are one file, so there is never one without the other. */
export async function loadIdentity(store: FileStore, sealer: Sealer): Promise<DeviceIdentity> {
  const known = await readIdentity(store);
  if (known) return known;
  const sealing = await sealer.generateKeyPair();
  await createJson(store, IDENTITY_FILE, IdentitySchema, {
    signingKey: newSigningKeyPem(),
    sealingPublicKey: base64Of(sealing.publicKey),
    sealingPrivateKey: base64Of(sealing.privateKey),
  });
  const made = await readIdentity(store);
  if (!made) throw new Error('the identity that was written cannot be read');
  return made;
}

/**
 * Counts this start, the one write that a start alone makes. Peers refuse signals that are numbered below earlier
 * ones, and the count leads their numbers; so it also rises with the hours that have passed for certain, and one that
 * was lost is not behind for long.
 */
export async function countBoot(store: FileStore, floorMs: number): Promise<number> {
  const before = await readJson(store, BOOT_FILE, BootSchema).catch(() => null);
  const hours = Math.max(0, Math.floor((floorMs - COUNT_EPOCH_MS) / 3_600_000));
  const count = Math.max((before?.count ?? 0) + 1, hours);
  await writeJson(store, BOOT_FILE, BootSchema, { count });
  return count;
}
