/**
 * The configs of a device on disk, in one file, so that every step is one atomic write:
 *
 *   RECEIVED -> VERIFIED (in memory) -> STAGED -> TRIAL (deadline) -> COMMITTED | ROLLED BACK (bad)
 *
 * `highest` only ever rises: a rollback goes back to the committed config, but never makes an old one acceptable.
 */
import * as v from 'valibot';
import type { FileStore } from '../../agent/ports/file-store.ts';
import { hashOf } from '../documents/config-document.ts';
import { base64Of, blobField, reasonField, serialField, timeField } from '../documents/document-fields.ts';
import { readJson, writeJson } from '../documents/stored-json.ts';

const CONFIG_FILE = 'config.json';
/** Enough to tell the owner; the ratchet `highest` already keeps a bad serial from being tried again. */
const MAX_BAD = 8;

const hashField = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const HighestSchema = v.strictObject({ epoch: serialField, serial: serialField, hash: hashField });
const BadSchema = v.strictObject({ ...HighestSchema.entries, reason: reasonField });
const envelopeField = blobField(64 * 1024);

const ConfigSlotsSchema = v.strictObject({
  highest: v.nullable(HighestSchema),
  committed: v.nullable(v.strictObject({ envelope: envelopeField, committedAt: timeField })),
  candidate: v.nullable(
    v.strictObject({
      envelope: envelopeField,
      /** Null: staged, not tried yet. */
      trial: v.nullable(
        v.strictObject({
          deadline: timeField,
          bootCount: timeField,
          /** In how many boots it was tried; not there: in one. */
          attempts: v.exactOptional(serialField),
        }),
      ),
    }),
  ),
  bad: v.pipe(v.array(BadSchema), v.maxLength(MAX_BAD)),
});

export type ConfigSlots = v.InferOutput<typeof ConfigSlotsSchema>;
export type BadConfig = v.InferOutput<typeof BadSchema>;

const EMPTY: ConfigSlots = { highest: null, committed: null, candidate: null, bad: [] };

export class ConfigStore {
  readonly #store: FileStore;
  #slots: ConfigSlots = EMPTY;

  constructor(store: FileStore) {
    this.#store = store;
  }

  get slots(): ConfigSlots {
    return this.#slots;
  }

  /** In how many boots the candidate's trial began. */
  get trialAttempts(): number {
    const trial = this.#slots.candidate?.trial;
    return trial ? (trial.attempts ?? 1) : 0;
  }

  /** Reads the disk. Throws EnvironmentFault('state-corrupt'): going on without `highest` would allow a rollback. */
  async load(): Promise<ConfigSlots> {
    this.#slots = (await readJson(this.#store, CONFIG_FILE, ConfigSlotsSchema)) ?? EMPTY;
    return this.#slots;
  }

  /** VERIFIED -> STAGED. Replaces an earlier candidate. */
  async stage(bytes: Uint8Array, epoch: number, serial: number): Promise<void> {
    await this.#save({
      ...this.#slots,
      highest: { epoch, serial, hash: hashOf(bytes) },
      candidate: { envelope: bytes, trial: null },
    });
  }

  /** STAGED -> TRIAL, on disk before the first thing changes. A repeated trial in the same boot writes nothing. */
  async beginTrial(deadline: number, bootCount: number): Promise<void> {
    const { candidate } = this.#slots;
    if (!candidate || candidate.trial?.bootCount === bootCount) return;
    const attempts = this.trialAttempts + 1;
    await this.#save({
      ...this.#slots,
      candidate: { ...candidate, trial: { deadline, bootCount, attempts } },
    });
  }

  /** TRIAL -> COMMITTED. */
  async commit(committedAt: number): Promise<void> {
    const { candidate } = this.#slots;
    if (!candidate) return;
    await this.#save({
      ...this.#slots,
      committed: { envelope: candidate.envelope, committedAt },
      candidate: null,
    });
  }

  /** TRIAL -> ROLLED BACK: the candidate is bad and the committed one stays. */
  async reject(reason: string): Promise<void> {
    const { candidate, highest, bad } = this.#slots;
    if (!candidate || !highest) return;
    await this.#save({
      ...this.#slots,
      candidate: null,
      bad: [...bad, { ...highest, reason }].slice(-MAX_BAD),
    });
  }

  /** The memory follows the disk: after a failed write everything is as before. */
  async #save(next: ConfigSlots): Promise<void> {
    const { committed, candidate } = next;
    await writeJson(this.#store, CONFIG_FILE, ConfigSlotsSchema, {
      ...next,
      committed: committed && { ...committed, envelope: base64Of(committed.envelope) },
      candidate: candidate && { ...candidate, envelope: base64Of(candidate.envelope) },
    });
    this.#slots = next;
  }
}
