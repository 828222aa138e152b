/** Directories whose entries are on the disk when the call returns: without it a power cut may take a new name away. */
import { constants } from 'node:fs';
import { mkdir, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isCode } from './file-fault.ts';

const PRIVATE_DIRECTORY_MODE = 0o700;

/**
 * Makes the directory and those above it, each one's entry on disk before anything is put into it. Step by step,
 * because Node's own recursive mkdir never returns where the kernel answers ENOENT for good, as below /proc.
 */
export async function makeDirectory(directory: string): Promise<void> {
  try {
    await makeOne(directory);
  } catch (error) {
    if (!isCode(error, 'ENOENT') || dirname(directory) === directory) throw error;
    await makeDirectory(dirname(directory));
    await makeOne(directory);
  }
}

async function makeOne(directory: string): Promise<void> {
  try {
    await mkdir(directory, { mode: PRIVATE_DIRECTORY_MODE });
  } catch (error) {
    const known = isCode(error, 'EEXIST', 'EROFS') && (await isDirectory(directory));
    if (known) return;
    throw error;
  }
  await syncDirectory(dirname(directory));
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}

/** Puts the directory's own entries onto the disk. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } catch (error) {
    // Some network file systems know no fsync of a directory; they order it themselves.
    if (!isCode(error, 'EINVAL', 'ENOTSUP')) throw error;
  } finally {
    await handle.close();
  }
}
