/** A small /sys and /proc of files, for the disks of a computer that there is not. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KernelFiles } from '../../image-build/card/linux-block-devices.ts';

export interface FakePart {
  name: string;
  numbers: string;
  /** Devices on it: `dm-0`. */
  holders?: readonly string[];
}

export interface FakeDisk extends FakePart {
  bytes: number;
  removable?: boolean;
  readOnly?: boolean;
  /** Of an MMC slot: SD or MMC. */
  kind?: string;
  model?: string;
  parts?: readonly FakePart[];
}

export class FakeKernelFiles implements KernelFiles {
  readonly root = mkdtempSync(join(tmpdir(), 'tincan-sys-'));
  readonly sys = join(this.root, 'sys');
  readonly proc = join(this.root, 'proc');
  readonly #paths = new Map<string, string>();

  constructor(disks: readonly FakeDisk[], mounts: readonly string[] = [], swaps: readonly string[] = []) {
    for (const directory of ['sys/dev/block', 'sys/class/block', 'proc/self']) {
      mkdirSync(join(this.root, directory), { recursive: true });
    }
    for (const disk of disks) this.#addDisk(disk);
    const lines = mounts.map((mount, index) => `${20 + index} 1 ${mount}`);
    writeFileSync(join(this.proc, 'self/mountinfo'), lines.map((line) => `${line}\n`).join(''));
    writeFileSync(join(this.proc, 'swaps'), ['Filename Type Size Used Priority', ...swaps, ''].join('\n'));
  }

  readonly numbersOf = async (path: string): Promise<string | null> => this.#paths.get(path) ?? null;

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  #addDisk(disk: FakeDisk): void {
    const place = join('devices', disk.name);
    this.#addDevice(place, disk);
    this.#write(place, 'size', String(disk.bytes / 512));
    this.#write(place, 'removable', disk.removable ? '1' : '0');
    this.#write(place, 'ro', disk.readOnly ? '1' : '0');
    mkdirSync(join(this.sys, place, 'device'));
    if (disk.kind) this.#write(place, 'device/type', disk.kind);
    if (disk.model) this.#write(place, 'device/model', disk.model);
    for (const [index, part] of (disk.parts ?? []).entries()) {
      const inside = join(place, part.name);
      this.#addDevice(inside, part);
      this.#write(inside, 'partition', String(index + 1));
      this.#write(inside, 'size', '2048');
      this.#write(inside, 'ro', '0');
    }
  }

  #addDevice(place: string, { name, numbers, holders = [] }: FakePart): void {
    mkdirSync(join(this.sys, place), { recursive: true });
    this.#write(place, 'dev', numbers);
    for (const holder of holders) mkdirSync(join(this.sys, place, 'holders', holder), { recursive: true });
    symlinkSync(join('../..', place), join(this.sys, 'dev/block', numbers));
    symlinkSync(join('../..', place), join(this.sys, 'class/block', name));
    this.#paths.set(`/dev/${name}`, numbers);
  }

  #write(place: string, name: string, text: string): void {
    writeFileSync(join(this.sys, place, name), `${text}\n`);
  }
}
