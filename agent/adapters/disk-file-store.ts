/**
 * The FileStore port on a directory of the disk. A write is: 1 a temporary file beside the target, 2 fsync, 3 rename,
 * 4 fsync of the directory; a power cut before 3 leaves the old bytes and a temporary file, which the next open removes.
 */
import { link, lstat, readdir, readFile, rename, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { EnvironmentFault } from '../errors.ts';
import type { FileStore } from '../ports/file-store.ts';
import { makeDirectory, syncDirectory } from './durable-directory.ts';
import { fileFault, isCode } from './file-fault.ts';
import { isTemporaryName, removeLeftOvers, withTemporaryFile } from './temporary-file.ts';

const PRIVATE_FILE_MODE = 0o600;

/**
 * Opens the store; the directory is made by the first write, so that a look alone changes nothing.
 * Throws EnvironmentFault('state-unreadable') where the path is something else than a directory.
 */
export function openDiskFileStore(rootDirectory: string): FileStore {
  const root = resolve(rootDirectory);
  removeLeftOvers(root);
  return new DiskFileStore(root);
}

class DiskFileStore implements FileStore {
  readonly #root: string;
  /** Changes run one after another: the last one asked for is the one that stays. */
  #lastChange: Promise<unknown> = Promise.resolve();

  constructor(root: string) {
    this.#root = root;
  }

  async read(path: string): Promise<Uint8Array | null> {
    const target = this.#inside(path);
    try {
      return await readFile(target);
    } catch (error) {
      if (isCode(error, 'ENOENT')) return null;
      throw fileFault('read', target, error);
    }
  }

  write(path: string, bytes: Uint8Array, options: { mode?: number } = {}): Promise<void> {
    return this.#change(path, async (target) => {
      await makeDirectory(dirname(target));
      const mode = options.mode ?? PRIVATE_FILE_MODE;
      await withTemporaryFile(target, bytes, mode, (temporary) => rename(temporary, target));
      await syncDirectory(dirname(target));
    });
  }

  create(path: string, bytes: Uint8Array, options: { mode?: number } = {}): Promise<boolean> {
    return this.#change(path, async (target) => {
      if (await exists(target)) return false;
      await makeDirectory(dirname(target));
      const mode = options.mode ?? PRIVATE_FILE_MODE;
      const linked = (temporary: string) => linkOnce(temporary, target);
      const created = await withTemporaryFile(target, bytes, mode, linked);
      await syncDirectory(dirname(target));
      return created;
    });
  }

  remove(path: string): Promise<void> {
    return this.#change(path, async (target) => {
      try {
        await unlink(target);
      } catch (error) {
        if (isCode(error, 'ENOENT')) return;
        throw error;
      }
      await syncDirectory(dirname(target));
    });
  }

  async list(directory: string): Promise<string[]> {
    const target = directory === '' || directory === '.' ? this.#root : this.#inside(directory);
    try {
      const entries = await readdir(target, { withFileTypes: true });
      return entries
        .filter((entry) => entry.isFile() && !isTemporaryName(entry.name))
        .map((entry) => entry.name)
        .sort();
    } catch (error) {
      if (isCode(error, 'ENOENT')) return [];
      throw fileFault('read', target, error);
    }
  }

  #change<Result>(path: string, act: (target: string) => Promise<Result>): Promise<Result> {
    const turn = this.#lastChange.then(async () => {
      const target = this.#inside(path);
      try {
        return await act(target);
      } catch (error) {
        throw fileFault('write', target, error);
      }
    });
    this.#lastChange = turn.catch(() => undefined);
    return turn;
  }

  #inside(path: string): string {
    const steps = path.split('/');
    if (path.includes('\0') || steps.some((step) => step === '' || step === '.' || step === '..')) {
      throw new EnvironmentFault(
        'state-unreadable',
        `${JSON.stringify(path)} is not a path inside ${this.#root}: give names joined by "/", without "." or ".."`,
      );
    }
    return join(this.#root, ...steps);
  }
}

/** A hard link cannot replace a file, so of two processes one wins. FAT knows no links: there the look decides. */
async function linkOnce(temporary: string, target: string): Promise<boolean> {
  try {
    await link(temporary, target);
  } catch (error) {
    if (isCode(error, 'EPERM', 'ENOTSUP', 'EOPNOTSUPP')) {
      await rename(temporary, target);
      return true;
    }
    if (!isCode(error, 'EEXIST')) throw error;
    return false;
  }
  return true;
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (isCode(error, 'ENOENT')) return false;
    throw error;
  }
}
