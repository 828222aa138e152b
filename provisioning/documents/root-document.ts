/**
 * The root document: which keys may sign what in a fleet. Version n+1 counts only when it is signed by enough root
 * keys of version n and by enough of its own (The Update Framework, specification section 5.3).
 */
import * as v from 'valibot';
import { Refusal } from '../../agent/errors.ts';
import type { SigningKey } from '../../agent/trust/signed-envelope.ts';
import { idOfPublicKey } from '../../agent/wire/node-address.ts';
import {
  base64Of,
  bytesField,
  idField,
  ip4NetworkField,
  ip6NetworkField,
  labelField,
  serialField,
  timeField,
} from './document-fields.ts';
import { readUnverified, requireSigners, signDocument } from './signed-document.ts';

const RoleSchema = v.pipe(
  v.strictObject({
    threshold: v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(8)),
    keys: v.pipe(v.array(bytesField(32)), v.minLength(1), v.maxLength(8)),
  }),
  v.check((role) => new Set(role.keys.map(base64Of)).size === role.keys.length, 'a key stands twice'),
  v.check((role) => role.threshold <= role.keys.length, 'threshold above the number of keys'),
);

export const RootSchema = v.strictObject({
  fleetId: idField,
  fleetName: labelField,
  version: serialField,
  /** Raised with a new config key: serials start again, so a thief's highest serial is worth nothing. */
  epoch: serialField,
  issuedAt: timeField,
  network: v.strictObject({ ip4: ip4NetworkField, ip6: ip6NetworkField }),
  roles: v.strictObject({ root: RoleSchema, config: RoleSchema, fresh: RoleSchema }),
});

export type RootDocument = v.InferOutput<typeof RootSchema>;

/** A root that was verified, with the bytes to hand on. */
export interface TrustedRoot {
  readonly document: RootDocument;
  readonly bytes: Uint8Array;
}

export function signRoot(payload: v.InferInput<typeof RootSchema>, keys: readonly SigningKey[]): Uint8Array {
  return signDocument('root', RootSchema, payload, keys);
}

/**
 * A root that is trusted because of the way it came (a claim, our own state), and still must be signed by its own keys.
 * Throws Refusal: those of openDocument, `root-not-its-own` when version 1 does not belong to its fleet id.
 */
export function adoptRoot(bytes: Uint8Array): TrustedRoot {
  const { envelope, document } = readUnverified('root', RootSchema, bytes);
  const { root } = document.roles;
  requireSigners('root', envelope, root.keys, root.threshold);
  const first = root.keys[0];
  if (document.version === 1 && (!first || idOfPublicKey(first) !== document.fleetId)) {
    throw new Refusal('root-not-its-own', `this root is not the one of fleet ${document.fleetId}`);
  }
  return { document, bytes };
}

/**
 * The next version of a trusted root. Throws Refusal: those of openDocument, `root-other-fleet`, `root-version`
 * (not exactly the next one), `root-epoch`, `bad-signature` (not enough old root keys, or not enough new ones).
 */
export function rotateRoot(current: TrustedRoot, bytes: Uint8Array): TrustedRoot {
  const { envelope, document } = readUnverified('root', RootSchema, bytes);
  const old = current.document;
  requireSigners('root', envelope, old.roles.root.keys, old.roles.root.threshold);
  requireSigners('root', envelope, document.roles.root.keys, document.roles.root.threshold);
  if (document.fleetId !== old.fleetId) {
    throw new Refusal('root-other-fleet', `this root is of fleet ${document.fleetId}, not of ${old.fleetId}`);
  }
  if (document.version !== old.version + 1) {
    throw new Refusal(
      'root-version',
      `root version ${document.version} does not follow version ${old.version}`,
    );
  }
  if (document.epoch < old.epoch) {
    throw new Refusal('root-epoch', `root version ${document.version} lowers the epoch to ${document.epoch}`);
  }
  return { document, bytes };
}
