/** A small image with the layout of a real one: MBR, a FAT32 boot partition with tincan/, and space behind it. */
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';

const MIB = 1024 * 1024;
const BOOT = { startMib: 4, sizeMib: 40 };
export const BASE_BYTES = 48 * MIB;

/** Why none can be made here, in one sentence; null when it can. */
export function imageToolsProblem(): string | null {
  const missing = ['mkfs.vfat', 'mcopy', 'xz'].filter((tool) => spawnSync(tool, ['--version']).error);
  return missing.length === 0
    ? null
    : `${missing.join(', ')} missing: apt-get install dosfstools mtools xz-utils`;
}

/** Makes the image at `path`. */
export function makeBaseImage(path: string, label = 'RASPIFIRM'): void {
  const table = Buffer.alloc(512);
  const parts = [
    [0x0c, BOOT.startMib, BOOT.sizeMib],
    [0x83, BOOT.startMib + BOOT.sizeMib, 4],
  ] as const;
  for (const [index, [kind, startMib, sizeMib]] of parts.entries()) {
    table[446 + 16 * index + 4] = kind;
    table.writeUInt32LE(startMib * 2048, 446 + 16 * index + 8);
    table.writeUInt32LE(sizeMib * 2048, 446 + 16 * index + 12);
  }
  table.writeUInt16LE(0xaa55, 510);
  const file = openSync(path, 'w');
  ftruncateSync(file, BASE_BYTES);
  writeSync(file, table, 0, table.length, 0);
  // Something that does not compress away, in the second partition.
  writeSync(file, Buffer.from(Array.from({ length: MIB }, (_, at) => (at * at) % 251)), 0, MIB, 45 * MIB);
  closeSync(file);
  const sectors = ['--offset', String(BOOT.startMib * 2048), path, String(BOOT.sizeMib * 1024)];
  execFileSync('mkfs.vfat', ['-F', '32', '-n', label, ...sectors], { stdio: 'ignore' });
  const facts = join(dirname(path), 'image.json');
  writeFileSync(facts, JSON.stringify({ version: '0.1.0', board: 'rpi-arm64', buildId: 'test' }));
  execFileSync('mmd', ['-i', `${path}@@${BOOT.startMib}M`, '::/tincan']);
  execFileSync('mcopy', ['-i', `${path}@@${BOOT.startMib}M`, facts, '::/tincan/']);
  rmSync(facts);
}

/** A file of tincan/ in an image or a card, as any PC would see it; null where there is none. */
export function readFromImage(path: string, name: string): string | null {
  const drive = `${path}@@${BOOT.startMib}M`;
  const { status, stdout } = spawnSync('mtype', ['-i', drive, `::/tincan/${name}`], { encoding: 'utf8' });
  return status === 0 ? stdout : null;
}
