/** Puts the three partitions together: an MBR, which the Raspberry Pi's firmware, BIOS and EFI all read. */
import { type FileHandle, open, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Board } from './board.ts';
import {
  BOOT_PARTITION_BYTES,
  DATA_LABEL,
  DATA_PARTITION_BYTES,
  DISK_ID,
  FIRST_PARTITION_BYTES,
} from './layout.ts';
import { runProgram } from './program.ts';

const SECTOR_BYTES = 512;
const MIB = 1024 * 1024;
/** The MBR's code ends where its partition table begins. */
const MBR_CODE_BYTES = 440;
/** Larger cards than any there is: the room for growing is set aside in the file system's head. */
const LARGEST_DATA_BLOCKS = 2 ** 27;
/** An FAT partition: what the Raspberry Pi wants, and what EFI accepts on a disk with an MBR. */
const PARTITION_TYPES = { boot: 'c', efi: 'ef', linux: '83' } as const;

export interface DiskParts {
  readonly board: Board;
  /** Files of the two file systems that exist. */
  readonly boot: string;
  readonly root: string;
  /** Directory with GRUB's boot.img and core.img, for boards that have it. */
  readonly grub: string;
  readonly epoch: number;
  readonly signal: AbortSignal;
}

/** Writes the image to `target`; `scratch` is an empty directory. */
export async function writeDiskImage(target: string, scratch: string, parts: DiskParts): Promise<void> {
  const data = await makeDataPartition(scratch, parts);
  const rootBytes = Math.ceil((await stat(parts.root)).size / MIB) * MIB;
  const starts = {
    boot: FIRST_PARTITION_BYTES,
    root: FIRST_PARTITION_BYTES + BOOT_PARTITION_BYTES,
    data: FIRST_PARTITION_BYTES + BOOT_PARTITION_BYTES + rootBytes,
  };
  await writeFile(target, '');
  await truncate(target, starts.data + DATA_PARTITION_BYTES);
  const bootType = parts.board.bootLoader === 'grub' ? PARTITION_TYPES.efi : PARTITION_TYPES.boot;
  const table = [
    'label: dos',
    `label-id: 0x${DISK_ID}`,
    partitionLine(starts.boot, BOOT_PARTITION_BYTES, `${bootType}, bootable`),
    partitionLine(starts.root, rootBytes, PARTITION_TYPES.linux),
    partitionLine(starts.data, DATA_PARTITION_BYTES, PARTITION_TYPES.linux),
  ];
  await runProgram('sfdisk', ['--quiet', target], { signal: parts.signal, input: `${table.join('\n')}\n` });
  const image = await open(target, 'r+');
  try {
    if (parts.board.bootLoader === 'grub') await writeGrub(image, parts.grub);
    await copyInto(image, starts.boot, parts.boot, parts.signal);
    await copyInto(image, starts.root, parts.root, parts.signal);
    await copyInto(image, starts.data, data, parts.signal);
    await image.sync();
  } finally {
    await image.close();
  }
}

function partitionLine(startBytes: number, sizeBytes: number, type: string): string {
  return `start=${startBytes / SECTOR_BYTES}, size=${sizeBytes / SECTOR_BYTES}, type=${type}`;
}

/** The agent's part and the system's are apart: neither can touch what is the other's. */
const DATA_DIRECTORIES = ['tincan', 'system'];

/** Features by name: mke2fs's defaults differ between releases, and the image must not. */
const DATA_FEATURES =
  'none,has_journal,ext_attr,resize_inode,dir_index,filetype,extent,flex_bg,sparse_super,large_file,huge_file,dir_nlink,extra_isize,metadata_csum';

async function makeDataPartition(scratch: string, { epoch, signal }: DiskParts): Promise<string> {
  const file = join(scratch, 'data.ext4');
  await writeFile(file, '');
  await truncate(file, DATA_PARTITION_BYTES);
  const extended = [
    `hash_seed=${DISK_ID}-0000-4000-8000-000000000004`,
    `resize=${LARGEST_DATA_BLOCKS}`,
    'lazy_itable_init=0',
    'root_owner=0:0',
  ];
  const args = [
    ...['-q', '-t', 'ext4', '-b', '4096', '-I', '256', '-i', '65536', '-m', '0', '-J', 'size=4'],
    ...['-O', DATA_FEATURES, '-L', DATA_LABEL, '-U', `${DISK_ID}-0000-4000-8000-000000000003`],
    ...['-E', extended.join(','), file],
  ];
  const environment = { E2FSPROGS_FAKE_TIME: String(epoch), SOURCE_DATE_EPOCH: String(epoch) };
  await runProgram('mke2fs', args, { signal, environment });
  // Not by mke2fs -d: it takes over the times and the owner that directories have on this machine.
  const commands = join(scratch, 'data.debugfs');
  await writeFile(commands, DATA_DIRECTORIES.map((name) => `mkdir ${name}\n`).join(''));
  await runProgram('debugfs', ['-w', '-f', commands, file], { signal, environment });
  const made = await runProgram('debugfs', ['-R', 'ls -p /', file], { signal });
  for (const name of DATA_DIRECTORIES) {
    // debugfs ends with 0 whatever went wrong.
    if (!made.includes(`/${name}/`)) throw new Error(`debugfs did not make ${name} in ${file}`);
  }
  return file;
}

/** BIOS loads the first sector, which loads what follows it; EFI finds its own file on the boot partition. */
async function writeGrub(image: FileHandle, directory: string): Promise<void> {
  const [first, core] = await Promise.all([
    readFile(join(directory, 'boot.img')),
    readFile(join(directory, 'core.img')),
  ]);
  if (core.length > FIRST_PARTITION_BYTES - SECTOR_BYTES) throw new Error('GRUB is larger than its place');
  await image.write(first, 0, MBR_CODE_BYTES, 0);
  await image.write(core, 0, core.length, SECTOR_BYTES);
}

async function copyInto(image: FileHandle, at: number, source: string, signal: AbortSignal): Promise<void> {
  const file = await open(source, 'r');
  try {
    const block = Buffer.alloc(4 * MIB);
    for (let offset = 0; ; ) {
      signal.throwIfAborted();
      const { bytesRead } = await file.read(block, 0, block.length, offset);
      if (bytesRead === 0) return;
      const bytes = block.subarray(0, bytesRead);
      // Holes stay holes: a card reader writes less, and so does this disk.
      if (bytes.some((byte) => byte !== 0)) await image.write(bytes, 0, bytesRead, at + offset);
      offset += bytesRead;
    }
  } finally {
    await file.close();
  }
}
