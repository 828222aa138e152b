/**
 * The claim: the file that makes a blank board a member. It holds the fleet's root, the way to the broker and a
 * one-off secret; it is signed by the config key so that a damaged or edited file is noticed on the board.
 */
import * as v from 'valibot';
import { Refusal, sentenceOf } from '../../agent/errors.ts';
import type { SigningKey } from '../../agent/trust/signed-envelope.ts';
import {
  base64Of,
  blobField,
  brokerUrlField,
  bytesField,
  caField,
  claimIdField,
  idField,
  labelField,
  textField,
  timeField,
} from './document-fields.ts';
import { adoptRoot, type TrustedRoot } from './root-document.ts';
import { readUnverified, requireSigners, signDocument } from './signed-document.ts';

export const DEFAULT_CLAIM_DAYS = 30;
export const CLAIM_SECRET_BYTES = 32;

/** How a client reaches the broker. */
export const BrokerAccessSchema = v.strictObject({
  url: brokerUrlField,
  username: v.exactOptional(textField(256)),
  password: v.exactOptional(textField(256)),
  ca: v.exactOptional(caField),
});

export type BrokerAccess = v.InferOutput<typeof BrokerAccessSchema>;

const ClaimSchema = v.strictObject({
  fleetId: idField,
  fleetName: labelField,
  device: labelField,
  claimId: claimIdField,
  secret: bytesField(CLAIM_SECRET_BYTES),
  root: blobField(16 * 1024),
  broker: BrokerAccessSchema,
  issuedAt: timeField,
  expires: timeField,
});

/** What a claim says, once it was read and found whole. */
export interface Claim extends Omit<v.InferOutput<typeof ClaimSchema>, 'root'> {
  readonly root: TrustedRoot;
}

export interface ClaimContent extends Omit<Claim, 'root'> {
  readonly root: Uint8Array;
}

export function signClaim(claim: ClaimContent, configKey: SigningKey): Uint8Array {
  const payload = { ...claim, secret: base64Of(claim.secret), root: base64Of(claim.root) };
  return signDocument('claim', ClaimSchema, payload, [configKey]);
}

/**
 * Reads a claim file. `isPast` says what is certainly over; a board without a clock gives the benefit of the doubt,
 * and the registrar, which has a clock, refuses an old claim anyway.
 * Throws Refusal: `claim-malformed`, `claim-changed` (its signature does not fit), `claim-expired`.
 */
export function readClaim(bytes: Uint8Array, isPast: (unixMs: number) => boolean): Claim {
  const claim = readWhole(bytes);
  if (!isPast(claim.expires)) return claim;
  const day = new Date(claim.expires).toISOString().slice(0, 10);
  throw new Refusal(
    'claim-expired',
    `the claim of ${claim.device} ended on ${day}; make a new one with 'tincan fleet add'`,
  );
}

function readWhole(bytes: Uint8Array): Claim {
  try {
    const { envelope, document } = readUnverified('claim', ClaimSchema, bytes);
    const root = adoptRoot(document.root);
    const { config } = root.document.roles;
    requireSigners('claim', envelope, config.keys, config.threshold);
    if (root.document.fleetId !== document.fleetId) {
      throw new Refusal('root-other-fleet', `the root inside is of fleet ${root.document.fleetId}`);
    }
    return { ...document, root };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const changed = error.reason === 'bad-signature';
    const what = changed ? 'this claim was changed after it was made' : 'this file is not a usable claim';
    throw new Refusal(
      changed ? 'claim-changed' : 'claim-malformed',
      `${what} (${sentenceOf(error)}); copy it again from the fleet directory, or make a new one`,
      { cause: error },
    );
  }
}
