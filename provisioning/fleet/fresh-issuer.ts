/** Issues fresh statements whose sequence never falls, also when the laptop's clock is set back. */
import * as v from 'valibot';
import type { Clock } from '../../agent/ports/clock.ts';
import type { FileStore } from '../../agent/ports/file-store.ts';
import type { SigningKey } from '../../agent/trust/signed-envelope.ts';
import { serialField } from '../documents/document-fields.ts';
import { signFresh } from '../documents/fresh-statement.ts';
import type { RootDocument } from '../documents/root-document.ts';
import { readJson, writeJson } from '../documents/stored-json.ts';

const SEQUENCE_FILE = 'fresh.json';
const SequenceSchema = v.strictObject({ sequence: serialField });

export class FreshIssuer {
  readonly #store: FileStore;
  readonly #clock: Clock;

  constructor(store: FileStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** The next statement; `revokedSerial`: of the newest revocation list, null where there is none. Of two registrars that use one number, devices hear the first; both say nearly the same. */
  async next(root: RootDocument, revokedSerial: number | null, freshKey: SigningKey): Promise<Uint8Array> {
    const issuedAt = this.#clock.wallMs();
    const before = await readJson(this.#store, SEQUENCE_FILE, SequenceSchema);
    // Beginning at the time leaves a directory that came back from an old copy ahead of what it had said.
    const sequence = Math.max((before?.sequence ?? 0) + 1, Math.floor(issuedAt / 1000));
    await writeJson(this.#store, SEQUENCE_FILE, SequenceSchema, { sequence });
    const statement = { fleetId: root.fleetId, sequence, issuedAt, rootVersion: root.version };
    return signFresh(revokedSerial === null ? statement : { ...statement, revokedSerial }, freshKey);
  }
}
