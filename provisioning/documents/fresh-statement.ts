/** Fresh statements: the fleet's word on what time it is at least, and which root version and
 * which revocation list are the newest, so that a broker cannot keep one back unnoticed. */
import * as v from 'valibot';
import { Refusal } from '../../agent/errors.ts';
import type { SigningKey } from '../../agent/trust/signed-envelope.ts';
import { idField, serialField, timeField } from './document-fields.ts';
import type { RootDocument } from './root-document.ts';
import { openDocument, signDocument } from './signed-document.ts';

const FreshSchema = v.strictObject({
  fleetId: idField,
  sequence: serialField,
  issuedAt: timeField,
  rootVersion: serialField,
  /** Of the newest revocation list; not there before the first. */
  revokedSerial: v.exactOptional(serialField),
});

export type FreshStatement = v.InferOutput<typeof FreshSchema>;

export function signFresh(statement: FreshStatement, freshKey: SigningKey): Uint8Array {
  return signDocument('fresh', FreshSchema, statement, [freshKey]);
}

/** Throws Refusal: those of openDocument, `other-fleet`. Whether it is newer than the last one is the caller's check. */
export function readFresh(bytes: Uint8Array, root: RootDocument): FreshStatement {
  const { fresh } = root.roles;
  const statement = openDocument('fresh', FreshSchema, bytes, fresh.keys, fresh.threshold);
  if (statement.fleetId === root.fleetId) return statement;
  throw new Refusal('other-fleet', `this fresh statement is of fleet ${statement.fleetId}`);
}
