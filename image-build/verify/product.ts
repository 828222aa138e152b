/** What is looked at: an opened image with the contents of its three partitions, none of them mounted. */
import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Refusal } from '../../agent/errors.ts';
import { runProgram } from '../image/program.ts';
import { BOOT_FILES_PROGRAMS, BootFiles } from '../product/boot-files.ts';
import { needPrograms } from '../product/needed-programs.ts';
import { type OpenedImage, partitionOf } from '../product/opened-image.ts';
import { type RootEntry, readRootListing } from './root-listing.ts';

/** What opening a product starts. */
const PROGRAMS = {
  ...BOOT_FILES_PROGRAMS,
  unsquashfs: 'squashfs-tools',
  debugfs: 'e2fsprogs',
  dumpe2fs: 'e2fsprogs',
} as const;

export interface BootContents {
  readonly label: string | null;
  readonly files: readonly string[];
  readText(path: string): Promise<string>;
}

export interface RootContents {
  readonly entries: readonly RootEntry[];
  /** Where the files were unpacked. */
  readonly directory: string;
  entry(path: string): RootEntry | null;
  /** Null where there is no such file. */
  readText(path: string): Promise<string | null>;
  /** The first bytes of a file. */
  readStart(path: string, bytes: number): Promise<Buffer>;
}

export interface DataContents {
  readonly label: string | null;
  readonly isClean: boolean;
  /** Paths of files, not of directories. */
  readonly files: readonly string[];
}

export interface Product {
  readonly image: OpenedImage;
  readonly boot: BootContents;
  readonly root: RootContents;
  readonly data: DataContents;
}

/** Throws EnvironmentFault('missing-programs'), Refusal (`boot-partition`, `root-partition`, `data-partition`). */
export async function openProduct(image: OpenedImage, signal: AbortSignal): Promise<Product> {
  const boot = new BootFiles(image, signal);
  const [files, label] = [await boot.list(), await boot.label()];
  return {
    image,
    boot: { files, label, readText: (path) => boot.readText(path) },
    root: await openRoot(image, signal),
    data: await openData(image, signal),
  };
}

export async function needVerifyPrograms(): Promise<void> {
  await needPrograms('verifying an image', PROGRAMS);
}

async function openRoot(image: OpenedImage, signal: AbortSignal): Promise<RootContents> {
  const directory = join(image.scratch, 'root');
  const at = ['-offset', String(partitionOf(image, 2, 'the root').startBytes)];
  try {
    const listing = await runProgram('unsquashfs', ['-lln', ...at, image.raw], { signal });
    await runProgram('unsquashfs', ['-no-progress', '-no-xattrs', '-d', directory, ...at, image.raw], {
      signal,
    });
    return new UnpackedRoot(readRootListing(listing), directory);
  } catch (error) {
    throw damaged(image, 'root', 'the root is no squashfs that can be read', error, signal);
  }
}

class UnpackedRoot implements RootContents {
  readonly entries: readonly RootEntry[];
  readonly directory: string;
  readonly #byPath: ReadonlyMap<string, RootEntry>;

  constructor(entries: readonly RootEntry[], directory: string) {
    this.entries = entries;
    this.directory = directory;
    this.#byPath = new Map(entries.map((entry) => [entry.path, entry]));
  }

  entry(path: string): RootEntry | null {
    return this.#byPath.get(path) ?? null;
  }

  async readText(path: string): Promise<string | null> {
    if (this.entry(path)?.kind !== 'file') return null;
    return readFile(join(this.directory, path), 'utf8');
  }

  async readStart(path: string, bytes: number): Promise<Buffer> {
    const handle = await open(join(this.directory, path), 'r');
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(bytes), 0, bytes, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  }
}

async function openData(image: OpenedImage, signal: AbortSignal): Promise<DataContents> {
  const { startBytes } = partitionOf(image, 3, 'the data');
  const fileSystem = `${image.raw}?offset=${startBytes}`;
  try {
    const facts = await runProgram('dumpe2fs', ['-h', fileSystem], { signal });
    return {
      label: /^Filesystem volume name: +(.*)$/m.exec(facts)?.[1] ?? null,
      isClean: /^Filesystem state: +clean$/m.test(facts) && !/needs_recovery/.test(facts),
      files: await filesOf(fileSystem, image.scratch, signal),
    };
  } catch (error) {
    throw damaged(image, 'data', 'the data partition is no ext4 that can be read', error, signal);
  }
}

/** debugfs walks by itself only when it copies. */
async function filesOf(fileSystem: string, scratch: string, signal: AbortSignal): Promise<string[]> {
  const directories = [''];
  const files: string[] = [];
  await mkdir(scratch, { recursive: true });
  for (let directory = directories.pop(); directory !== undefined; directory = directories.pop()) {
    const text = await runProgram('debugfs', ['-R', `ls -p "/${directory}"`, fileSystem], { signal });
    for (const line of text.split('\n')) {
      // /inode/mode/uid/gid/name/size/
      const [, , mode = '', , , name = ''] = line.split('/');
      if (name === '' || name === '.' || name === '..' || name === 'lost+found') continue;
      const path = directory === '' ? name : `${directory}/${name}`;
      if (mode.startsWith('04')) directories.push(path);
      else files.push(path);
    }
  }
  return files.sort();
}

function damaged(
  image: OpenedImage,
  partition: 'root' | 'data',
  what: string,
  error: unknown,
  signal: AbortSignal,
): unknown {
  if (signal.aborted || !(error instanceof Error)) return error;
  return new Refusal(
    `${partition}-partition`,
    `${image.file} is damaged: ${what} (${error.message}); copy or build it again`,
    { cause: error },
  );
}
