/** What a card is given for one device: the files of tincan/ on its boot partition, checked before any is written. */
import { Refusal, UsageError } from '../../agent/errors.ts';
import { type Claim, readClaim } from '../../provisioning/documents/claim.ts';

/** As the owner says it; what is null stays on the card as it is. */
export interface CardWishes {
  claim: Uint8Array | null;
  wifi: { ssid: string; password: string | null; country: string | null } | null;
  /** The text of a file of public keys. */
  sshKeys: string | null;
  hostname: string | null;
}

export interface CardFiles {
  /** Null on a card of a whole fleet, which gets its claim later. */
  claim: Claim | null;
  files: ReadonlyMap<string, Uint8Array>;
}

const SSH_KEY =
  /^(ssh-(ed25519|rsa)|ecdsa-sha2-nistp(256|384|521)|sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com) AAAA[0-9A-Za-z+/]+=*( .*)?$/;
const HOST_NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i;

/**
 * The files for one card. Throws UsageError for values that no device could use, Refusal of a claim that is
 * malformed, changed or over.
 */
export function cardFiles(wishes: CardWishes, nowMs: number): CardFiles {
  const claim = wishes.claim === null ? null : readClaim(wishes.claim, (unixMs) => unixMs < nowMs);
  const files = new Map<string, Uint8Array>();
  if (wishes.claim !== null) files.set('claim.json', wishes.claim);
  if (wishes.wifi) files.set('wifi.json', textFile(wifiJson(wishes.wifi)));
  if (wishes.sshKeys !== null) files.set('authorized_keys', textFile(sshKeys(wishes.sshKeys)));
  if (wishes.hostname !== null) files.set('hostname', textFile(hostname(wishes.hostname)));
  return { claim, files };
}

function textFile(text: string): Uint8Array {
  return Buffer.from(`${text}\n`);
}

/** IEEE 802.11: a name of 1 to 32 bytes, whatever they are; WPA: 8 to 63 printable ASCII characters, or 64 digits. */
function wifiJson({ ssid, password, country }: NonNullable<CardWishes['wifi']>): string {
  const bytes = Buffer.byteLength(ssid);
  if (bytes < 1 || bytes > 32 || ssid.includes('\0')) {
    throw new UsageError(
      `the Wi-Fi name ${JSON.stringify(ssid)} has ${bytes} bytes, and 1 to 32 are possible: check --wifi`,
    );
  }
  if (password !== null && !/^([ -~]{8,63}|[0-9a-fA-F]{64})$/.test(password)) {
    throw new UsageError(
      `the password of Wi-Fi ${JSON.stringify(ssid)} cannot be one: it needs 8 to 63 ASCII characters, or 64 hexadecimal digits`,
    );
  }
  if (country !== null && !/^[A-Z]{2}$/i.test(country)) {
    throw new UsageError(`"${country}" is no country code for Wi-Fi: give two letters, such as DE or US`);
  }
  const said = {
    ssid,
    ...(password === null ? {} : { password }),
    ...(country === null ? {} : { country: country.toUpperCase() }),
  };
  return JSON.stringify(said, null, 2);
}

function sshKeys(text: string): string {
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const keys = lines.filter((line) => line !== '' && !line.startsWith('#'));
  if (lines.some((line) => /^-----BEGIN .*PRIVATE KEY/.test(line))) {
    throw new UsageError(
      'this is a private SSH key, which must stay with you: give the file that ends in .pub',
    );
  }
  const wrong = keys.find((line) => !SSH_KEY.test(line));
  if (wrong !== undefined) {
    throw new UsageError(
      `"${wrong.slice(0, 40)}" is no public SSH key: give a file like ~/.ssh/id_ed25519.pub`,
    );
  }
  if (keys.length === 0)
    throw new UsageError('the file for --ssh-key has no key in it: give one like ~/.ssh/id_ed25519.pub');
  return keys.join('\n');
}

function hostname(name: string): string {
  if (HOST_NAME.test(name)) return name.toLowerCase();
  throw new UsageError(`"${name}" cannot be a host name: use letters, digits and hyphens, at most 63`);
}

/** What the owner's fleet directory knows of a claim. */
export interface ClaimRecords {
  fleet: { name: string; fleetId: string };
  device(name: string): Promise<{ claim: { id: string } } | null>;
  enrolled(name: string): Promise<unknown>;
}

/** Throws Refusal: `claim-other-fleet`, `claim-unknown`, `claim-used`. */
export async function checkAgainstFleet(claim: Claim, records: ClaimRecords): Promise<void> {
  const { name, fleetId } = records.fleet;
  if (claim.fleetId !== fleetId) {
    throw new Refusal(
      'claim-other-fleet',
      `the claim of ${claim.device} is for fleet ${claim.fleetName} (${claim.fleetId}) and not for ${name} (${fleetId}): give a claim of this fleet`,
    );
  }
  const device = await records.device(claim.device);
  if (device?.claim.id !== claim.claimId) {
    throw new Refusal(
      'claim-unknown',
      `fleet ${name} did not give out this claim of ${claim.device}, or has replaced it: make one with "tincan fleet add"`,
    );
  }
  if ((await records.enrolled(claim.device)) !== null) {
    throw new Refusal(
      'claim-used',
      `the claim of ${claim.device} was used by a device already: add a device and use its claim`,
    );
  }
}
