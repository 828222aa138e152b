/** Configs out of our own state: verified when they came, and good for ever after, whatever keys the fleet has now. */
import type { Membership } from '../../agent/ports/member-directory.ts';
import type { Sealer } from '../../agent/ports/sealer.ts';
import { ConfigSchema, openSecrets } from '../documents/config-document.ts';
import { type DeviceConfig, joinSecrets } from '../documents/device-config.ts';
import { readKeptCertificate } from '../documents/membership.ts';
import { readUnverified } from '../documents/signed-document.ts';

/** A config in usable form, with the certificate that came with it. */
export interface AppliedConfig {
  readonly config: DeviceConfig;
  readonly own: Membership;
  readonly epoch: number;
  readonly serial: number;
}

/** Throws Refusal when the bytes are not a config, or its secrets not sealed to this key. */
export async function readStoredConfig(
  bytes: Uint8Array,
  sealer: Sealer,
  sealingPrivateKey: Uint8Array,
): Promise<AppliedConfig> {
  const { document } = readUnverified('config', ConfigSchema, bytes);
  const secrets = await openSecrets(document, sealer, sealingPrivateKey);
  const own = readKeptCertificate(document.certificate);
  const { serial, epoch } = document;
  return { config: joinSecrets(serial, document.settings, secrets), own, epoch, serial };
}

/** The serial that the bytes claim to have, for reports; null when they are no config. */
export function serialIn(bytes: Uint8Array): number | null {
  try {
    return readUnverified('config', ConfigSchema, bytes).document.serial;
  } catch {
    return null;
  }
}
