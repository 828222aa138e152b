/** A copy of a base image: shares the disk's blocks where the file system can, else is sparse; an .xz is unpacked. */
import { execFile } from 'node:child_process';

import { open, rename, rm, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { fileFault } from '../../agent/adapters/file-fault.ts';
import { EnvironmentFault, UsageError } from '../../agent/errors.ts';
import { type ImageFile, readImage } from './image-file.ts';

const run = promisify(execFile);
const BLOCK_BYTES = 4_096;

/**
 * Copies `image` beside `target`, lets `change` work on the copy, and then gives it its name: there is never half a
 * product. Throws UsageError where `target` is there already, EnvironmentFault where it cannot be written.
 */
export async function withCopy<Result>(
  image: ImageFile,
  target: string,
  signal: AbortSignal,
  change: (copy: string) => Promise<Result>,
): Promise<Result> {
  await refuseExisting(target);
  const copy = `${target}.${process.pid}.part`;
  try {
    await refuseFullDisk(image, target);
    if (image.isCompressed) await unpackSparse(image, copy, signal);
    else await run('cp', ['--reflink=auto', '--sparse=always', '--', image.path, copy], { signal });
    const result = await change(copy);
    await rename(copy, target);
    return result;
  } catch (error) {
    throw fileFault('write', target, error);
  } finally {
    await rm(copy, { force: true });
  }
}

async function refuseExisting(target: string): Promise<void> {
  const there = await stat(target).catch(() => null);
  if (there) throw new UsageError(`${target} is there already: remove it, or name another file with --out`);
}

/** A sparse copy may need less; who has less than the whole would run out of it on the day that the card is full. */
async function refuseFullDisk(image: ImageFile, target: string): Promise<void> {
  const { bavail, bsize } = await statfs(dirname(target));
  const free = bavail * bsize;
  if (free >= image.sizeBytes) return;
  throw new EnvironmentFault(
    'no-space',
    `${target} needs ${megabytes(image.sizeBytes)} and its disk has ${megabytes(free)} free: free some, or write elsewhere`,
  );
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1e6)} MB`;
}

async function unpackSparse(image: ImageFile, copy: string, signal: AbortSignal): Promise<void> {
  const file = await open(copy, 'w', 0o644);
  try {
    await pipeline(readImage(image), sparseWriter(file), { signal });
    await file.truncate(image.sizeBytes);
  } finally {
    await file.close();
  }
}

/** Leaves out blocks of zeros, which a new file has anyway. */
function sparseWriter(file: Awaited<ReturnType<typeof open>>): Writable {
  const zeros = Buffer.alloc(BLOCK_BYTES);
  let position = 0;
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      const at = position;
      position += chunk.length;
      writeNonZero(file, chunk, at, zeros).then(() => done(), done);
    },
  });
}

async function writeNonZero(
  file: Awaited<ReturnType<typeof open>>,
  chunk: Buffer,
  position: number,
  zeros: Buffer,
): Promise<void> {
  let begin = 0;
  for (let at = 0; at <= chunk.length; at += BLOCK_BYTES) {
    const block = chunk.subarray(at, at + BLOCK_BYTES);
    if (at < chunk.length && !block.equals(zeros.subarray(0, block.length))) continue;
    const end = Math.min(at, chunk.length);
    if (end > begin) await file.write(chunk, begin, end - begin, position + begin);
    begin = at + BLOCK_BYTES;
  }
}
