/**
 * The revocation list: every node that the owner has put out of the fleet, whole each time, signed by the config key.
 * It only grows, so of two lists the one with the higher serial says all that the other one does.
 */
import * as v from 'valibot';
import { Refusal } from '../../agent/errors.ts';
import type { SigningKey } from '../../agent/trust/signed-envelope.ts';
import { idField, serialField, timeField } from './document-fields.ts';
import type { RootDocument } from './root-document.ts';
import { openDocument, readUnverified, signDocument } from './signed-document.ts';

/** What a list of 64 KiB has room for, and twice as many as a network's owner should ever need. */
export const MAX_REVOKED = 2_000;

const RevocationListSchema = v.strictObject({
  fleetId: idField,
  epoch: serialField,
  serial: serialField,
  issuedAt: timeField,
  /** Node ids. */
  nodes: v.pipe(v.array(idField), v.maxLength(MAX_REVOKED)),
});

export type RevocationList = v.InferOutput<typeof RevocationListSchema>;

export function signRevocationList(list: RevocationList, configKey: SigningKey): Uint8Array {
  return signDocument('revoked', RevocationListSchema, list, [configKey]);
}

/** Throws Refusal: those of openDocument, `other-fleet`, `wrong-epoch`. Whether it is newer is the caller's check. */
export function readRevocationList(bytes: Uint8Array, root: RootDocument): RevocationList {
  const { config } = root.roles;
  const list = openDocument('revoked', RevocationListSchema, bytes, config.keys, config.threshold);
  if (list.fleetId !== root.fleetId) {
    throw new Refusal('other-fleet', `this revocation list is of fleet ${list.fleetId}`);
  }
  if (list.epoch !== root.epoch) {
    throw new Refusal('wrong-epoch', `this revocation list is of epoch ${list.epoch}, not ${root.epoch}`);
  }
  return list;
}

/** A list out of our own state, which was verified when it came. Throws Refusal like readUnverified. */
export function readKeptRevocationList(bytes: Uint8Array): RevocationList {
  return readUnverified('revoked', RevocationListSchema, bytes).document;
}
