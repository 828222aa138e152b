/**
 * Whether a config may be applied: the checks in their order. Nothing is written here; the caller stores a config only
 * when all of them passed (a state written before the checks is how rollback protection was lost elsewhere: CVE-2025-2888).
 *
 *  1 size, before anything is parsed                     too-large
 *  2 envelope, and its type for this topic               not-an-envelope, wrong-type
 *  3 signed by enough of the root's config keys          bad-signature
 *  4 JSON and strict shape                               not-json, bad-schema
 *  5 made for this fleet and this node                   other-fleet, wrong-audience
 *  6 made under our root version and epoch               root-not-ours, wrong-epoch
 *  7 serial: newer, or the very same                     rollback, equivocation, serial-jump
 *  8 not over, not from the future                       expired, not-yet-valid
 *  9 makes sense: own certificate, addresses, network    bad-certificate, address-mismatch
 * 10 secrets are sealed to this device                   secrets-unreadable
 */
import { Refusal, sentenceOf } from '../../agent/errors.ts';
import type { Membership } from '../../agent/ports/member-directory.ts';
import type { Sealer } from '../../agent/ports/sealer.ts';
import { ip6NetworkOfFleet } from '../../agent/wire/node-address.ts';
import { type ConfigDocument, ConfigSchema, hashOf, openSecrets } from '../documents/config-document.ts';
import { type DeviceConfig, joinSecrets } from '../documents/device-config.ts';
import { readCertificate } from '../documents/membership.ts';
import type { RootDocument } from '../documents/root-document.ts';
import { openDocument } from '../documents/signed-document.ts';
import type { TrustedTime } from './trusted-time.ts';

/** No owner issues so many configs between two contacts: a larger step is an attempt to use serials up. */
const MAX_SERIAL_JUMP = 1_000_000;

/** The newest config that ever passed; it never goes back, not even when the device rolls back. */
interface HighestConfig {
  epoch: number;
  serial: number;
  hash: string;
}

/** What the checks look at. */
export interface ConfigContext {
  root: RootDocument;
  nodeId: string;
  publicKey: Uint8Array;
  sealingPrivateKey: Uint8Array;
  sealer: Sealer;
  time: TrustedTime;
  highest: HighestConfig | null;
}

export interface VerifiedConfig {
  config: DeviceConfig;
  own: Membership;
  epoch: number;
  serial: number;
  hash: string;
  issuedAt: number;
  bytes: Uint8Array;
}

/** Null: the config that we have already (QoS 1 and reconnections repeat it). Throws Refusal as listed above. */
export async function verifyConfig(
  bytes: Uint8Array,
  context: ConfigContext,
): Promise<VerifiedConfig | null> {
  const { config: role } = context.root.roles;
  const document = openDocument('config', ConfigSchema, bytes, role.keys, role.threshold); // 1 to 4
  checkAudience(document, context); // 5
  checkRoot(document, context.root); // 6
  const hash = hashOf(bytes);
  if (checkSerial(document, hash, context.highest) === 'same') return null; // 7
  checkTime(document, context.time); // 8
  const own = checkSense(document, context); // 9
  const secrets = await openSecrets(document, context.sealer, context.sealingPrivateKey); // 10
  const { serial, epoch, issuedAt } = document;
  return {
    config: joinSecrets(serial, document.settings, secrets),
    own,
    epoch,
    serial,
    issuedAt,
    hash,
    bytes,
  };
}

function checkAudience(document: ConfigDocument, { root, nodeId }: ConfigContext): void {
  if (document.fleetId !== root.fleetId) {
    throw new Refusal('other-fleet', `this config is for fleet ${document.fleetId}, ours is ${root.fleetId}`);
  }
  if (document.nodeId !== nodeId) {
    throw new Refusal('wrong-audience', `this config is for node ${document.nodeId}, we are ${nodeId}`);
  }
}

function checkRoot(document: ConfigDocument, root: RootDocument): void {
  if (document.rootVersion !== root.version) {
    throw new Refusal(
      'root-not-ours',
      `config ${document.serial} was made under root version ${document.rootVersion}, ours is ${root.version}`,
    );
  }
  if (document.epoch !== root.epoch) {
    throw new Refusal(
      'wrong-epoch',
      `config ${document.serial} is of epoch ${document.epoch}, not ${root.epoch}`,
    );
  }
}

function checkSerial(document: ConfigDocument, hash: string, highest: HighestConfig | null): 'new' | 'same' {
  const { serial } = document;
  // A new epoch, which only the root can start, begins the serials anew.
  const before = highest?.epoch === document.epoch ? highest : null;
  if (before && serial === before.serial) {
    if (hash === before.hash) return 'same';
    throw new Refusal(
      'equivocation',
      `there are two configs with serial ${serial}: somebody holds the config key`,
    );
  }
  if (before && serial < before.serial) {
    throw new Refusal(
      'rollback',
      `config ${serial} is older than config ${before.serial}, which we have seen`,
    );
  }
  if (serial - (before?.serial ?? 0) > MAX_SERIAL_JUMP) {
    throw new Refusal('serial-jump', `config serial ${serial} is too far ahead of ${before?.serial ?? 0}`);
  }
  return 'new';
}

function checkTime(document: ConfigDocument, time: TrustedTime): void {
  const { serial, expires, issuedAt } = document;
  if (expires !== null && time.isPast(expires)) {
    throw new Refusal('expired', `config ${serial} ended at ${new Date(expires).toISOString()}`);
  }
  if (time.isAhead(issuedAt)) {
    throw new Refusal(
      'not-yet-valid',
      `config ${serial} says it is from ${new Date(issuedAt).toISOString()}`,
    );
  }
}

function checkSense(document: ConfigDocument, { root, time, nodeId, publicKey }: ConfigContext): Membership {
  const { device, network } = document.settings;
  const own = certificateIn(document, root, time);
  const same =
    own.nodeId === nodeId &&
    Buffer.from(own.publicKey).equals(publicKey) &&
    own.name === device.name &&
    own.ip4 === device.ip4 &&
    own.ip6 === device.ip6;
  if (!same) {
    throw new Refusal('bad-certificate', `the certificate in config ${document.serial} says something else`);
  }
  if (network.ip4 !== root.network.ip4 || network.ip6 !== ip6NetworkOfFleet(root.fleetId)) {
    throw new Refusal(
      'address-mismatch',
      `config ${document.serial} has another network than the fleet's root`,
    );
  }
  return own;
}

function certificateIn(document: ConfigDocument, root: RootDocument, time: TrustedTime): Membership {
  try {
    return readCertificate(document.certificate, root, (unixMs) => time.isPast(unixMs)).member;
  } catch (error) {
    throw new Refusal(
      'bad-certificate',
      `the certificate in config ${document.serial} does not count: ${sentenceOf(error)}`,
      { cause: error },
    );
  }
}
