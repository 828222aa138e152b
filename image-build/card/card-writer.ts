/**
 * Writes an image over a disk or a file, and reads it back.
 *
 *  1. the first megabyte becomes zeros: from here on the card has no partitions, and boots nothing
 *  2. everything after it, in blocks, flushed as it goes so that the progress is the card's and not the cache's
 *  3. the first megabyte: the card is whole at once, or visibly empty
 *  4. all of it is read back past the cache, and its hash compared
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { EnvironmentFault, Refusal, sentenceOf } from '../../agent/errors.ts';

const HEAD_BYTES = 1024 * 1024;
const FLUSH_BYTES = 32 * 1024 * 1024;

export interface WriteJob {
  openSource(): Readable;
  sizeBytes: number;
  target: string;
  /** A plain file has no cache of a card's behind it, and is cut to the image's size. */
  isBlockDevice: boolean;
  signal: AbortSignal;
  onWritten(bytes: number): void;
  onVerified(bytes: number): void;
}

/**
 * Resolves with the SHA-256 of what was written and read back. Throws EnvironmentFault: `write-failed`, `verify-failed`;
 * Refusal('interrupted-card'), whose sentence says what is on the card then.
 */
export async function writeCard(file: FileHandle, job: WriteJob): Promise<string> {
  const written = await writeAll(file, job);
  await file.sync();
  const found = await hashOf(job);
  if (found === written) return written;
  await blank(file);
  throw new EnvironmentFault(
    'verify-failed',
    `${job.target} gave back other bytes than were written: the card or its reader is broken, do not use it`,
  );
}

/**
 * The target to itself: on a block device nothing can be mounted while it is open. Throws EnvironmentFault:
 * `not-permitted`, `disk-in-use`, `write-failed`.
 */
export async function openTarget(target: string, isBlockDevice: boolean): Promise<FileHandle> {
  try {
    // On a block device O_EXCL is refused while anything else of the kernel's uses it.
    if (isBlockDevice) return await open(target, constants.O_RDWR | constants.O_EXCL);
    return await open(target, constants.O_RDWR | constants.O_CREAT, 0o644);
  } catch (error) {
    const errno = error instanceof Error && 'code' in error ? error.code : '';
    if (errno === 'EBUSY') {
      throw new EnvironmentFault('disk-in-use', `${target} is in use: unmount it first`, { cause: error });
    }
    if (errno !== 'EACCES' && errno !== 'EPERM') throw writeFault(target, error);
    throw new EnvironmentFault(
      'not-permitted',
      `writing to ${target} is not permitted: run this with sudo, or as a member of the group that owns it (disk)`,
      { cause: error },
    );
  }
}

async function writeAll(file: FileHandle, job: WriteJob): Promise<string> {
  const { sizeBytes, target, signal } = job;
  const hash = createHash('sha256');
  const head = Buffer.alloc(Math.min(HEAD_BYTES, sizeBytes));
  let position = 0;
  let flushed = 0;
  try {
    await file.write(head, 0, head.length, 0);
    for await (const piece of job.openSource()) {
      const chunk = piece as Buffer;
      signal.throwIfAborted();
      if (position + chunk.length > sizeBytes) throw new Error('the image became larger meanwhile');
      hash.update(chunk);
      // copy() takes nothing of a chunk that lies behind the head.
      const ofHead = position < head.length ? chunk.copy(head, position) : 0;
      if (ofHead < chunk.length) await writeWhole(file, chunk.subarray(ofHead), position + ofHead);
      position += chunk.length;
      if (position - flushed >= FLUSH_BYTES) {
        await file.datasync();
        flushed = position;
      }
      job.onWritten(position);
    }
    if (position !== sizeBytes) throw new Error(`the image ended after ${position} of ${sizeBytes} bytes`);
    await file.datasync();
    await writeWhole(file, head, 0);
    if (!job.isBlockDevice) await file.truncate(sizeBytes);
  } catch (error) {
    if (signal.aborted) throw interrupted(target);
    throw error instanceof Refusal && job.isBlockDevice
      ? unfinished(target, error)
      : writeFault(target, error);
  }
  return hash.digest('hex');
}

/** A write to a device may take less than it was given. */
async function writeWhole(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    if (bytesWritten === 0) throw new Error('the device takes no more');
    done += bytesWritten;
  }
}

/** The image turned out to be no good when a part of it was written already. */
function unfinished(target: string, cause: Refusal): Refusal {
  const state = `${target} is not finished; it has no partitions now, and boots nothing`;
  return new Refusal(cause.reason, `${cause.message} (${state})`, { cause });
}

function interrupted(target: string): Refusal {
  return new Refusal(
    'interrupted-card',
    `interrupted: ${target} is not finished; it has no partitions now, and boots nothing. Write it again`,
  );
}

function writeFault(target: string, error: unknown): Error {
  if (error instanceof Refusal || error instanceof EnvironmentFault) return error;
  const errno = error instanceof Error && 'code' in error ? error.code : '';
  const advice = errno === 'ENOSPC' ? 'it is full' : sentenceOf(error);
  return new EnvironmentFault(
    'write-failed',
    `writing ${target} failed (${advice}): it is not finished, boots nothing, and has to be written again`,
    { cause: error },
  );
}

/** Reads the target past the page cache, which dd can: what a cache gives back says nothing about the card. */
async function hashOf({ target, sizeBytes, isBlockDevice, signal, onVerified }: WriteJob): Promise<string> {
  const flags = isBlockDevice ? 'direct,count_bytes' : 'count_bytes';
  const args = [`if=${target}`, 'bs=4M', `count=${sizeBytes}`, `iflag=${flags}`, 'status=none'];
  const reader = spawn('dd', args, { stdio: ['ignore', 'pipe', 'pipe'], signal });
  // Of a reader that cannot start or is stopped, the stream ends: the hash tells.
  reader.on('error', () => undefined);
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    for await (const chunk of reader.stdout) {
      hash.update(chunk as Buffer);
      bytes += (chunk as Buffer).length;
      onVerified(bytes);
    }
    signal.throwIfAborted();
    return hash.digest('hex');
  } catch (error) {
    if (signal.aborted) throw unverified(target);
    throw writeFault(target, error);
  } finally {
    reader.kill('SIGKILL');
  }
}

function unverified(target: string): Refusal {
  return new Refusal(
    'interrupted-card',
    `interrupted: ${target} is written, and was not read back; write it again to be sure of it`,
  );
}

/** What does not hold its bytes must not look like a card that boots. */
async function blank(file: FileHandle): Promise<void> {
  try {
    await writeWhole(file, Buffer.alloc(HEAD_BYTES), 0);
    await file.sync();
  } catch {
    // A card that takes no more is not bootable either.
  }
}
