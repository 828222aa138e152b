/**
 * Where a device stands on its way into a fleet, on disk: `claim.json` until it was admitted, then `enrolment.json`
 * (fleet, broker, newest root). The second file is the commit point; a claim beside it is a leftover.
 */
import * as v from 'valibot';
import { EnvironmentFault, Refusal } from '../../agent/errors.ts';
import type { FileStore } from '../../agent/ports/file-store.ts';
import { type BrokerAccess, BrokerAccessSchema, type Claim, readClaim } from '../documents/claim.ts';
import { base64Of, blobField, claimIdField, idField, labelField } from '../documents/document-fields.ts';
import { adoptRoot, type TrustedRoot } from '../documents/root-document.ts';
import { readJson, writeJson } from '../documents/stored-json.ts';

const CLAIM_FILE = 'claim.json';
const ENROLMENT_FILE = 'enrolment.json';

const EnrolmentSchema = v.strictObject({
  fleetId: idField,
  fleetName: labelField,
  device: labelField,
  claimId: claimIdField,
  broker: BrokerAccessSchema,
  root: blobField(16 * 1024),
});

/** The fleet that this device belongs to; nothing of the claim's secret is left. */
export interface Enrolled {
  readonly fleetId: string;
  readonly fleetName: string;
  readonly device: string;
  readonly claimId: string;
  /** As the claim had it; a config may have moved the fleet to another broker since. */
  readonly broker: BrokerAccess;
  readonly root: TrustedRoot;
}

/** Throws EnvironmentFault('state-corrupt'). */
export async function readEnrolment(store: FileStore): Promise<Enrolled | null> {
  const stored = await readJson(store, ENROLMENT_FILE, EnrolmentSchema);
  if (!stored) return null;
  try {
    return { ...stored, root: adoptRoot(stored.root) };
  } catch (error) {
    throw new EnvironmentFault('state-corrupt', `${ENROLMENT_FILE} is damaged: its root does not count`, {
      cause: error,
    });
  }
}

/** The claim that an earlier start has taken, or null. One that lies damaged on our own disk is as good as none. */
export async function readKeptClaim(
  store: FileStore,
  isPast: (unixMs: number) => boolean,
): Promise<Claim | null> {
  const bytes = await store.read(CLAIM_FILE);
  if (bytes === null) return null;
  try {
    return readClaim(bytes, isPast);
  } catch (error) {
    if (error instanceof Refusal && error.reason !== 'claim-expired') return null;
    throw error;
  }
}

/** Keeps the claim for the next start; writes only when it is another one than before. */
export async function keepClaim(store: FileStore, bytes: Uint8Array): Promise<void> {
  const before = await store.read(CLAIM_FILE);
  if (before && Buffer.from(before).equals(bytes)) return;
  await store.write(CLAIM_FILE, bytes);
}

/** Admitted: first the enrolment, then the claim and its secret go. A power cut between leaves both, see dropClaim. */
export async function saveEnrolment(store: FileStore, enrolled: Enrolled): Promise<void> {
  await writeJson(store, ENROLMENT_FILE, EnrolmentSchema, {
    ...enrolled,
    root: base64Of(enrolled.root.bytes),
  });
  await dropClaim(store);
}

/** Removes a used claim, if there is one. */
export async function dropClaim(store: FileStore): Promise<void> {
  if ((await store.read(CLAIM_FILE)) !== null) await store.remove(CLAIM_FILE);
}
