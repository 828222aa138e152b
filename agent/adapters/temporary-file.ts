/** Names of temporary files of the disk file store, and the removal of those that a dead process left behind. */
import { randomBytes } from 'node:crypto';
import { readdirSync, statSync, unlinkSync } from 'node:fs';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileFault, isCode } from './file-fault.ts';

const PATTERN = /^\.tmp-(\d+)-[0-9a-f]{12}$/;

/** Names that this process has given out: a file of ours that is not among them is an earlier process's. */
const ownNames = new Set<string>();

/**
 * Writes `bytes` into a temporary file beside `target`, on the disk, and calls `use` with its path; afterwards the file
 * is gone, unless `use` renamed it.
 */
export async function withTemporaryFile<Result>(
  target: string,
  bytes: Uint8Array,
  mode: number,
  use: (temporary: string) => Promise<Result>,
): Promise<Result> {
  const name = `.tmp-${process.pid}-${randomBytes(6).toString('hex')}`;
  const temporary = join(dirname(target), name);
  ownNames.add(name);
  try {
    await writeDurably(temporary, bytes, mode);
    return await use(temporary);
  } finally {
    await unlink(temporary).catch(() => undefined);
    ownNames.delete(name);
  }
}

async function writeDurably(path: string, bytes: Uint8Array, mode: number): Promise<void> {
  const file = await open(path, 'wx', mode);
  try {
    await setMode(file, mode);
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** The mode that was asked for, whatever the umask. File systems without modes (FAT) refuse; the mount decides there. */
async function setMode(file: FileHandle, mode: number): Promise<void> {
  try {
    await file.chmod(mode);
  } catch (error) {
    if (!isCode(error, 'EPERM', 'ENOTSUP')) throw error;
  }
}

/** Whether a directory entry is one of these temporary files. */
export function isTemporaryName(name: string): boolean {
  return PATTERN.test(name);
}

/**
 * Removes temporary files of processes that are gone, in the directory and below. Where there is no such directory it
 * does nothing. Throws EnvironmentFault where the path is not a directory or may not be read.
 */
export function removeLeftOvers(directory: string): void {
  try {
    const status = statSync(directory, { throwIfNoEntry: false });
    if (!status) return;
    for (const entry of readdirSync(directory, { withFileTypes: true, recursive: true })) {
      if (entry.isFile() && isLeftOver(entry.name)) removeQuietly(join(entry.parentPath, entry.name));
    }
  } catch (error) {
    throw fileFault('read', directory, error);
  }
}

function isLeftOver(name: string): boolean {
  const process = PATTERN.exec(name)?.[1];
  return process !== undefined && !ownNames.has(name) && !isAlive(Number(process));
}

function isAlive(processId: number): boolean {
  if (processId === process.pid) return false;
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, and is somebody else's.
    return isCode(error, 'EPERM');
  }
}

/** On a read-only disk the file stays; it does no harm there. */
function removeQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    return;
  }
}
