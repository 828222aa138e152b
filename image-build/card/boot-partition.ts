/**
 * The boot partition of a Tincan image: partition 1, FAT32, label RASPIFIRM, with the folder tincan/. It is written
 * by mtools, which need neither root nor a mount, on an image and on a card alike.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as v from 'valibot';
import { EnvironmentFault, Refusal, sentenceOf } from '../../agent/errors.ts';
import { type Partition, readPartitionTable, TABLE_BYTES } from './partition-table.ts';

const run = promisify(execFile);

const LABEL = 'RASPIFIRM  ';
/** FAT32's boot sector: the label, and the name of the kind. */
const LABEL_AT = 71;
const KIND_AT = 82;

/** What the build writes down about an image (tincan/image.json). */
const ImageFactsSchema = v.object({ version: v.string(), board: v.string(), buildId: v.string() });

export type ImageFacts = v.InferOutput<typeof ImageFactsSchema>;

/**
 * The boot partition by the start of the disk, which must reach into it. Throws Refusal: `not-an-image` where there is
 * no such partition, `image-damaged` where the disk ends before its partitions do.
 */
export function findBootPartition(name: string, head: Uint8Array, sizeBytes: number): Partition {
  const table = readPartitionTable(head.subarray(0, TABLE_BYTES));
  const boot = table?.find(({ number }) => number === 1);
  if (!table || !boot) throw notAnImage(name, 'it has no partition table');
  const end = Math.max(...table.map(({ startBytes, sizeBytes: bytes }) => startBytes + bytes));
  if (end > sizeBytes) {
    throw new Refusal(
      'image-damaged',
      `${name} is not whole: its partitions need ${end} bytes and it has ${sizeBytes}; get it again`,
    );
  }
  const sector = Buffer.from(head.subarray(boot.startBytes, boot.startBytes + 512));
  const isOurs =
    sector.toString('latin1', KIND_AT, KIND_AT + 5) === 'FAT32' &&
    sector.toString('latin1', LABEL_AT, LABEL_AT + LABEL.length) === LABEL;
  if (!isOurs)
    throw notAnImage(name, 'its first partition is not a FAT32 file system with the label RASPIFIRM');
  return boot;
}

/** How much of a disk `findBootPartition` needs. */
export const BOOT_HEAD_BYTES = 16 * 1024 * 1024;

function notAnImage(name: string, why: string): Refusal {
  return new Refusal(
    'not-an-image',
    `${name} is not a Tincan image (${why}): make one with "tincan image build", or download one`,
  );
}

/** The folder tincan/ on the boot partition of an image file or a card. */
export class BootPartition {
  readonly #path: string;
  readonly #drive: string;

  private constructor(path: string, { startBytes }: Partition) {
    this.#path = path;
    this.#drive = `${path}@@${startBytes}`;
  }

  /** `path` is a plain image or a block device of `sizeBytes`. Throws like findBootPartition. */
  static async open(path: string, sizeBytes: number): Promise<BootPartition> {
    const file = await open(path, 'r');
    try {
      const head = Buffer.alloc(Math.min(BOOT_HEAD_BYTES, sizeBytes));
      const { bytesRead } = await file.read(head, 0, head.length, 0);
      return new BootPartition(path, findBootPartition(path, head.subarray(0, bytesRead), sizeBytes));
    } finally {
      await file.close();
    }
  }

  /** What image this is. Throws Refusal('not-an-image'). */
  async facts(): Promise<ImageFacts> {
    const text = await this.read('image.json');
    try {
      return v.parse(ImageFactsSchema, JSON.parse(text?.toString() ?? ''));
    } catch (cause) {
      throw new Refusal(
        'not-an-image',
        `${this.#path} is not a Tincan image (tincan/image.json is missing or damaged): make one with "tincan image build"`,
        { cause },
      );
    }
  }

  /** A file of tincan/, or null where there is none. */
  async read(name: string): Promise<Buffer | null> {
    try {
      return await this.#mtools('mtype', [`::/tincan/${name}`]);
    } catch (error) {
      if (error instanceof EnvironmentFault && /not found/i.test(error.message)) return null;
      throw error;
    }
  }

  /** Writes files into tincan/ and reads them back. Throws EnvironmentFault: `no-mtools`, `boot-partition`. */
  async write(files: ReadonlyMap<string, Uint8Array>): Promise<void> {
    const scratch = await mkdtemp(join(tmpdir(), 'tincan-card-'));
    try {
      const paths = [...files.keys()].map((name) => join(scratch, name));
      for (const [name, bytes] of files) await writeFile(join(scratch, name), bytes, { mode: 0o600 });
      await this.#mtools('mcopy', ['-o', ...paths, '::/tincan/']);
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
    await syncFile(this.#path);
    for (const [name, bytes] of files) {
      if ((await this.read(name))?.equals(bytes)) continue;
      throw new EnvironmentFault(
        'boot-partition',
        `${this.#path} gives back another tincan/${name} than was written: do not use this card`,
      );
    }
  }

  async #mtools(command: string, args: readonly string[]): Promise<Buffer> {
    try {
      // MTOOLSRC: no settings of this user's; -i names the drive.
      const environment = { ...process.env, MTOOLSRC: '/dev/null', LC_ALL: 'C.UTF-8' };
      const { stdout } = await run(command, ['-i', this.#drive, ...args], {
        encoding: 'buffer',
        env: environment,
        maxBuffer: 1 << 22,
      });
      return stdout;
    } catch (error) {
      throw mtoolsFault(this.#path, command, error);
    }
  }
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

function mtoolsFault(path: string, command: string, cause: unknown): EnvironmentFault {
  if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') {
    return new EnvironmentFault(
      'no-mtools',
      `the boot partition is written by ${command}, which is not installed: apt-get install mtools`,
      { cause },
    );
  }
  const stderr = cause instanceof Error && 'stderr' in cause ? String(cause.stderr) : sentenceOf(cause);
  const reason = stderr.trim().split('\n').join('; ');
  return new EnvironmentFault(
    'boot-partition',
    `the boot partition of ${path} cannot be used (${command}: ${reason}): use a fresh copy of the image`,
    { cause },
  );
}
