/** BlockDevices over sysfs and /proc: a device is known by its numbers, whatever its path is called. */
import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { BlockDevice, BlockDevices } from './block-devices.ts';

const SECTOR_BYTES = 512;
/** Who has one of these mounts on a disk runs from it. */
const SYSTEM_MOUNTS = /^\/($|boot($|\/)|usr($|\/)|var($|\/)|etc($|\/)|home($|\/))/;

/** Where the kernel's files are; a test has its own. */
export interface KernelFiles {
  sys: string;
  proc: string;
  /** `major:minor` of the block device at a path, or null. */
  numbersOf(path: string): Promise<string | null>;
}

export const linuxFiles: KernelFiles = {
  sys: '/sys',
  proc: '/proc',
  async numbersOf(path) {
    const status = await stat(path).catch(() => null);
    if (!status?.isBlockDevice()) return null;
    const { rdev } = status;
    // glibc's makedev(3).
    const major = (rdev >> 8) & 0xfff;
    const minor = (rdev & 0xff) | ((rdev >> 12) & 0xfff00);
    return `${major}:${minor}`;
  },
};

export class LinuxBlockDevices implements BlockDevices {
  readonly #files: KernelFiles;

  constructor(files: KernelFiles = linuxFiles) {
    this.#files = files;
  }

  async at(path: string): Promise<BlockDevice | null> {
    const numbers = await this.#files.numbersOf(path);
    return numbers === null ? null : this.#describe(numbers);
  }

  async #describe(numbers: string): Promise<BlockDevice> {
    const place = await this.#placeOf(numbers);
    const isPartition = (await this.#text(place, 'partition')) !== null;
    const disk = isPartition ? dirname(place) : place;
    return {
      name: basename(place),
      partitionOf: isPartition ? basename(disk) : null,
      sizeBytes: Number((await this.#text(place, 'size')) ?? 0) * SECTOR_BYTES,
      isReadOnly: (await this.#text(place, 'ro')) === '1',
      isRemovable: await this.#isRemovable(disk),
      model: await this.#model(disk),
      uses: await this.#uses(place),
    };
  }

  async #placeOf(numbers: string): Promise<string> {
    const link = join(this.#files.sys, 'dev/block', numbers);
    return join(dirname(link), await readlink(link));
  }

  /** A built-in reader's slot is not removable, but what is in it is: its kind is SD, where soldered memory is MMC. */
  async #isRemovable(disk: string): Promise<boolean> {
    return (await this.#text(disk, 'removable')) === '1' || (await this.#text(disk, 'device/type')) === 'SD';
  }

  async #model(disk: string): Promise<string | null> {
    const vendor = await this.#text(disk, 'device/vendor');
    const model = (await this.#text(disk, 'device/model')) ?? (await this.#text(disk, 'device/name'));
    const words = [vendor, model].filter((word) => word !== null && !/^0x/.test(word));
    return words.length > 0 ? words.join(' ') : null;
  }

  /** Of the device, its partitions, and what lies on those: mapped and RAID devices, which the kernel calls holders. */
  async #uses(place: string): Promise<BlockDevice['uses']> {
    const family = await this.#family(place);
    const uses = new Map<string, boolean>();
    for (const { numbers, target } of await this.#mounts()) {
      if (family.has(numbers)) uses.set(`mounted at ${target}`, SYSTEM_MOUNTS.test(target));
    }
    for (const name of await this.#swaps()) {
      if ([...family.values()].includes(name)) uses.set(`swap on ${name}`, true);
    }
    for (const held of await this.#holders(place)) uses.set(`part of ${held}`, false);
    return [...uses].map(([what, isSystem]) => ({ what, isSystem }));
  }

  /** Names by numbers. */
  async #family(place: string, found = new Map<string, string>()): Promise<Map<string, string>> {
    const numbers = await this.#text(place, 'dev');
    if (numbers === null || found.has(numbers)) return found;
    found.set(numbers, basename(place));
    for (const part of await this.#partitions(place)) await this.#family(part, found);
    for (const holder of await this.#list(place, 'holders')) {
      await this.#family(join(this.#files.sys, 'class/block', holder), found);
    }
    return found;
  }

  async #holders(place: string): Promise<string[]> {
    const places = [place, ...(await this.#partitions(place))];
    return (await Promise.all(places.map((one) => this.#list(one, 'holders')))).flat();
  }

  async #partitions(place: string): Promise<string[]> {
    const names = (await this.#list(place, '.')).filter((name) => name.startsWith(basename(place)));
    return names.map((name) => join(place, name));
  }

  async #mounts(): Promise<{ numbers: string; target: string }[]> {
    const text = await readFile(join(this.#files.proc, 'self/mountinfo'), 'utf8');
    const mounts = text.split('\n').map(async (line) => {
      const [, , shown, , target] = line.split(' ');
      if (!shown || !target) return [];
      // btrfs mounts have numbers of their own; what they are of is told as a path only.
      const source = line.split(' - ')[1]?.split(' ')[1] ?? '';
      const isAnonymous = shown.startsWith('0:') && source.startsWith('/dev/');
      const numbers = isAnonymous ? await this.#files.numbersOf(unescaped(source)) : shown;
      return numbers === null ? [] : [{ numbers, target: unescaped(target) }];
    });
    return (await Promise.all(mounts)).flat();
  }

  async #swaps(): Promise<string[]> {
    const text = await readFile(join(this.#files.proc, 'swaps'), 'utf8').catch(() => '');
    return text.split('\n').flatMap((line) => /^\/dev\/(\S+)/.exec(line)?.[1] ?? []);
  }

  async #text(place: string, name: string): Promise<string | null> {
    const text = await readFile(join(place, name), 'utf8').catch(() => null);
    return text === null ? null : text.trim();
  }

  async #list(place: string, name: string): Promise<string[]> {
    return readdir(join(place, name)).catch(() => []);
  }
}

/** proc(5) writes space, tab, newline and backslash in octal. */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
