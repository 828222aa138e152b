/** What a start begins with: the claim that was given, the one that was kept, or a membership that there is already. */
import { Refusal, sentenceOf } from '../../agent/errors.ts';
import type { FileStore } from '../../agent/ports/file-store.ts';
import { type Claim, readClaim } from '../documents/claim.ts';
import { type Enrolled, readEnrolment, readKeptClaim } from './enrolment-store.ts';

export type Admission =
  | { kind: 'enrolled'; enrolled: Enrolled; ignoredClaim: boolean }
  | { kind: 'claimed'; claim: Claim }
  | { kind: 'unclaimed'; problem: string };

/**
 * Reads only. A member keeps ignoring claims of its own fleet, whatever became of them: the file stays on the SD card.
 * Throws Refusal: those of readClaim, `claim-other-fleet`; EnvironmentFault('state-corrupt').
 */
export async function admissionOf(
  store: FileStore,
  given: Uint8Array | undefined,
  isPast: (unixMs: number) => boolean,
): Promise<Admission> {
  const enrolled = await readEnrolment(store);
  if (enrolled) {
    if (given) refuseOtherFleet(given, enrolled);
    return { kind: 'enrolled', enrolled, ignoredClaim: given !== undefined };
  }
  if (given) return { kind: 'claimed', claim: readClaim(given, isPast) };
  try {
    const kept = await readKeptClaim(store, isPast);
    if (kept) return { kind: 'claimed', claim: kept };
    return {
      kind: 'unclaimed',
      problem: "there is no claim: make one with 'tincan fleet add', give it with --claim",
    };
  } catch (error) {
    return { kind: 'unclaimed', problem: sentenceOf(error) };
  }
}

function refuseOtherFleet(given: Uint8Array, enrolled: Enrolled): void {
  const claim = readableClaim(given);
  if (!claim || claim.fleetId === enrolled.fleetId) return;
  throw new Refusal(
    'claim-other-fleet',
    `this claim is for fleet ${claim.fleetName}, and the device is a member of ${enrolled.fleetName}; give it a fresh state directory to move it`,
  );
}

/** A claim file that went bad on the SD card must not stop a member that no longer needs it. */
function readableClaim(given: Uint8Array): Claim | null {
  try {
    return readClaim(given, () => false);
  } catch (error) {
    if (error instanceof Refusal) return null;
    throw error;
  }
}
