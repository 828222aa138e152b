/** The nodes that the owner has revoked, as this device knows them: kept on disk, so that no restart forgets one. */
import * as v from 'valibot';
import { Refusal, sentenceOf } from '../../agent/errors.ts';
import type { FileStore } from '../../agent/ports/file-store.ts';
import type { Log } from '../../agent/ports/log.ts';
import { base64Of, blobField } from '../documents/document-fields.ts';
import {
  type RevocationList,
  readKeptRevocationList,
  readRevocationList,
} from '../documents/revocation-list.ts';
import type { RootDocument } from '../documents/root-document.ts';
import { readJson, writeJson } from '../documents/stored-json.ts';

const FILE = 'revoked.json';
const StoredSchema = v.strictObject({ list: blobField(64 * 1024) });

/** The sentence that a revoked device ends with. */
export function revokedRefusal(fleetName: string): Refusal {
  return new Refusal(
    'revoked',
    `this device was put out of fleet ${fleetName} by its owner; to take it in again, empty its state directory and give it a new claim`,
  );
}

export class Revocations {
  readonly #store: FileStore;
  readonly #log: Log;
  #newest: RevocationList | null = null;
  #nodes: ReadonlySet<string> = new Set();

  constructor(store: FileStore, log: Log) {
    this.#store = store;
    this.#log = log;
  }

  has(nodeId: string): boolean {
    return this.#nodes.has(nodeId);
  }

  /** Of the newest list; 0 before the first. */
  get serial(): number {
    return this.#newest?.serial ?? 0;
  }

  /** What an earlier start knew. A damaged file is as good as none: the broker has the list. */
  async load(): Promise<void> {
    try {
      const stored = await readJson(this.#store, FILE, StoredSchema);
      if (stored) this.#adopt(readKeptRevocationList(stored.list));
    } catch (error) {
      this.#log.warn('revocations.not-read', { problem: sentenceOf(error) });
    }
  }

  /**
   * Takes a newer list in. False: it is not newer. Throws Refusal of a list that does not count. One that the disk does not
   * take counts nevertheless, until the next start, which hears it again.
   */
  async hear(bytes: Uint8Array, root: RootDocument): Promise<boolean> {
    const list = readRevocationList(bytes, root);
    if (!isNewer(list, this.#newest)) return false;
    this.#adopt(list);
    this.#log.info('revocations.learnt', { serial: list.serial, nodes: list.nodes.length });
    await writeJson(this.#store, FILE, StoredSchema, { list: base64Of(bytes) }).catch((error: unknown) =>
      this.#log.warn('revocations.not-stored', { problem: sentenceOf(error) }),
    );
    return true;
  }

  /** Nobody comes back by a newer list either: only a root of a new epoch begins anew. */
  #adopt(list: RevocationList): void {
    const kept = this.#newest?.epoch === list.epoch ? this.#nodes : [];
    this.#newest = list;
    this.#nodes = new Set([...kept, ...list.nodes]);
  }
}

function isNewer(next: RevocationList, known: RevocationList | null): boolean {
  if (!known || next.epoch > known.epoch) return true;
  return next.epoch === known.epoch && next.serial > known.serial;
}
