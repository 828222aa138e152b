/**
 * Which chips this node has bound, so that one which leaves the config is unbound even after a restart. Kept until the
 * next boot of the machine, when the kernel has forgotten them as well.
 */
import * as v from 'valibot';
import { sentenceOf } from '../../../agent/errors.ts';
import type { FileStore } from '../../../agent/ports/file-store.ts';
import type { Log } from '../../../agent/ports/log.ts';
import type { Sysfs } from '../../../agent/ports/sysfs.ts';
import type { I2cChip } from './i2c-chip.ts';

const FILE = 'i2c-chips.json';
const BOOT_ID = '/proc/sys/kernel/random/boot_id';
const RecordSchema = v.strictObject({
  boot: v.string(),
  chips: v.pipe(
    v.array(v.strictObject({ bus: v.number(), address: v.number(), driver: v.string() })),
    v.maxLength(256),
  ),
});

export class BoundChips {
  readonly #store: FileStore;
  readonly #sysfs: Sysfs;
  readonly #log: Log;

  constructor(store: FileStore, sysfs: Sysfs, log: Log) {
    this.#store = store;
    this.#sysfs = sysfs;
    this.#log = log;
  }

  /** Those of this boot; a damaged record is an empty one, and is said to be. */
  async read(): Promise<I2cChip[]> {
    const bytes = await this.#store.read(FILE);
    if (bytes === null) return [];
    try {
      const { boot, chips } = v.parse(RecordSchema, JSON.parse(Buffer.from(bytes).toString('utf8')));
      return boot === (await this.#bootId()) ? chips : [];
    } catch (error) {
      this.#log.warn('i2c.record-damaged', { file: FILE, problem: sentenceOf(error) });
      return [];
    }
  }

  /** Writes only what changes: it is flash. */
  async write(chips: readonly I2cChip[]): Promise<void> {
    const record = { boot: await this.#bootId(), chips };
    const bytes = Buffer.from(JSON.stringify(record));
    const present = await this.#store.read(FILE);
    if (present === null ? chips.length === 0 : bytes.equals(present)) return;
    if (chips.length === 0) await this.#store.remove(FILE);
    else await this.#store.write(FILE, bytes);
  }

  async #bootId(): Promise<string> {
    return (await this.#sysfs.read(BOOT_ID)) ?? '';
  }
}
