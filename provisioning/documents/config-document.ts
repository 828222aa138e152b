/** The signed form of a device's config: settings, own certificate, and secrets sealed to the device (HPKE). */
import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { Refusal } from '../../agent/errors.ts';
import type { Sealer } from '../../agent/ports/sealer.ts';
import type { SigningKey } from '../../agent/trust/signed-envelope.ts';
import { type DeviceSettings, DeviceSettingsSchema, type Secrets, SecretsSchema } from './device-config.ts';
import { base64Of, blobField, idField, serialField, timeField } from './document-fields.ts';
import { signDocument } from './signed-document.ts';

const SECRETS_CONTEXT = 'tincan config secrets v1';

export const ConfigSchema = v.strictObject({
  fleetId: idField,
  nodeId: idField,
  rootVersion: serialField,
  epoch: serialField,
  serial: serialField,
  issuedAt: timeField,
  expires: v.nullable(timeField),
  /** The device's own membership certificate, so that both change together. */
  certificate: blobField(4 * 1024),
  settings: DeviceSettingsSchema,
  secrets: v.nullable(blobField(16 * 1024)),
});

export type ConfigDocument = v.InferOutput<typeof ConfigSchema>;

/** Which config: serials order one device's configs within an epoch. */
export interface ConfigAddress {
  fleetId: string;
  nodeId: string;
  epoch: number;
  serial: number;
}

export interface ConfigContent extends ConfigAddress {
  rootVersion: number;
  issuedAt: number;
  expires: number | null;
  certificate: Uint8Array;
  settings: DeviceSettings;
}

/** Seals the secrets, if there are any, and signs the whole. */
export async function signConfig(
  content: ConfigContent,
  secrets: Secrets,
  recipientKey: Uint8Array,
  sealer: Sealer,
  configKey: SigningKey,
): Promise<Uint8Array> {
  const sealed = isEmpty(secrets)
    ? null
    : await sealer.seal(recipientKey, SECRETS_CONTEXT, aadOf(content), Buffer.from(JSON.stringify(secrets)));
  const payload = {
    ...content,
    certificate: base64Of(content.certificate),
    secrets: sealed && base64Of(sealed),
  };
  return signDocument('config', ConfigSchema, payload, [configKey]);
}

/** Throws Refusal('secrets-unreadable') when they were not sealed to this device for this very config. */
export async function openSecrets(
  document: ConfigDocument,
  sealer: Sealer,
  key: Uint8Array,
): Promise<Secrets> {
  if (document.secrets === null) return v.parse(SecretsSchema, {});
  const plain = await sealer.open(key, SECRETS_CONTEXT, aadOf(document), document.secrets);
  const result = plain && v.safeParse(SecretsSchema, jsonOf(plain));
  if (result?.success) return result.output;
  throw new Refusal(
    'secrets-unreadable',
    `the secrets of config ${document.serial} are not sealed to this device`,
  );
}

/** Names a config's exact bytes: with equal serial and another hash it is a second truth. */
export function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function aadOf(address: ConfigAddress): Uint8Array {
  return Buffer.from(`${address.fleetId} ${address.nodeId} ${address.epoch} ${address.serial}`);
}

function isEmpty(secrets: Secrets): boolean {
  return Object.values(secrets).every((secret) => secret === undefined || secret.length === 0);
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
}
