/**
 * A finished image, opened for reading: as it is, or unpacked from .xz into a directory of its own that goes away again.
 * Nothing is mounted and nothing in the file is changed.
 */
import { mkdtemp, open, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EnvironmentFault, Refusal, UsageError } from '../../agent/errors.ts';
import { type Partition, readPartitionTable, TABLE_BYTES } from '../card/partition-table.ts';
import { runProgram } from '../image/program.ts';
import { needPrograms } from './needed-programs.ts';

export interface OpenedImage {
  /** What the user named. */
  readonly file: string;
  /** The raw image: the file itself, or its unpacked copy. */
  readonly raw: string;
  readonly isCompressed: boolean;
  readonly fileBytes: number;
  readonly rawBytes: number;
  readonly partitions: readonly Partition[];
  /** For what is taken out of the image. */
  readonly scratch: string;
  /** Removes the scratch directory. */
  close(): Promise<void>;
}

/** Throws UsageError (no such file), Refusal (`not-an-image`, `image-truncated`, `image-corrupt`). */
export async function openImage(file: string, signal: AbortSignal): Promise<OpenedImage> {
  const fileBytes = await sizeOf(file);
  const isCompressed = file.endsWith('.xz');
  if (isCompressed) await needPrograms('unpacking an image', { xz: 'xz-utils' });
  const scratch = await mkdtemp(join(tmpdir(), 'tincan-image-'));
  const close = () => rm(scratch, { recursive: true, force: true });
  try {
    const raw = isCompressed ? await unpacked(file, join(scratch, 'image'), signal) : file;
    const { size: rawBytes } = await stat(raw);
    const partitions = await partitionsOf(file, raw, rawBytes);
    return { file, raw, isCompressed, fileBytes, rawBytes, partitions, scratch, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The partition with this number. Throws Refusal('not-an-image'). */
export function partitionOf(image: OpenedImage, number: number, what: string): Partition {
  const found = image.partitions.find((partition) => partition.number === number);
  if (found) return found;
  throw new Refusal(
    'not-an-image',
    `${image.file} is no image of Tincan: it has no partition ${number} (${what})`,
  );
}

async function sizeOf(file: string): Promise<number> {
  const found = await stat(file).catch(() => null);
  if (!found) throw new UsageError(`there is no file ${file}`);
  if (!found.isFile()) throw new UsageError(`${file} is no file; name an image (.img or .img.xz)`);
  return found.size;
}

async function unpacked(file: string, raw: string, signal: AbortSignal): Promise<string> {
  try {
    await runProgram('xz', ['--decompress', '--stdout', file], { signal, outputFile: raw });
    return raw;
  } catch (error) {
    if (!(error instanceof EnvironmentFault) || error.code !== 'program-failed') throw error;
    throw new Refusal(
      'image-corrupt',
      `${file} is damaged and cannot be unpacked (${error.message}); copy or build it again`,
      { cause: error },
    );
  }
}

async function partitionsOf(file: string, raw: string, rawBytes: number): Promise<Partition[]> {
  const partitions = readPartitionTable(await startOf(raw));
  if (!partitions) {
    throw new Refusal(
      'not-an-image',
      `${file} is no disk image: there is no partition table at its start; name an image (.img or .img.xz)`,
    );
  }
  const end = Math.max(...partitions.map(({ startBytes, sizeBytes }) => startBytes + sizeBytes));
  if (end <= rawBytes) return partitions;
  throw new Refusal(
    'image-truncated',
    `${file} is cut off: its partitions end at byte ${end}, and there are ${rawBytes}; copy or build it again`,
  );
}

async function startOf(path: string): Promise<Buffer> {
  const handle = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(TABLE_BYTES), 0, TABLE_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
