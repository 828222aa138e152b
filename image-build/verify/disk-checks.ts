/** Checks of the disk: partition table, file systems, sizes, and what the boot partition must hold. */
import { open } from 'node:fs/promises';
import type { Partition } from '../card/partition-table.ts';
import type { Check } from './check.ts';
import type { Product } from './product.ts';

const MEBIBYTE = 1024 * 1024;
/** Of the MBR. */
const SECTOR_BYTES = 512;
const DISK_ID_AT = 440;
const TYPES_AT = 450;
const ENTRY_BYTES = 16;
const BOOT_START_BYTES = 4 * MEBIBYTE;
const LAYOUT = [
  { number: 1, types: { 'raspberry-pi': 0x0c, grub: 0xef }, what: 'the boot partition' },
  { number: 2, types: { 'raspberry-pi': 0x83, grub: 0x83 }, what: 'the root' },
  { number: 3, types: { 'raspberry-pi': 0x83, grub: 0x83 }, what: 'the data partition' },
] as const;

/** Of files in the image, unpacked, and of the compressed product: what a person downloads and writes. */
const MOST_CONTENT_BYTES = 350_000_000;
const MOST_COMPRESSED_BYTES = 150_000_000;

const RASPBERRY_PI_FILES = [
  'bootcode.bin',
  'start.elf',
  'start4.elf',
  'fixup.dat',
  'fixup4.dat',
  'config.txt',
  'cmdline.txt',
  'vmlinuz',
  'initrd.img',
  'bcm2711-rpi-4-b.dtb',
  'bcm2837-rpi-3-b.dtb',
  'bcm2837-rpi-3-b-plus.dtb',
  'bcm2837-rpi-zero-2-w.dtb',
  'tincan/readme.txt',
  'tincan/image.json',
];
const GRUB_FILES = [
  'vmlinuz',
  'initrd.img',
  'efi/boot/bootx64.efi',
  'grub/grub.cfg',
  'tincan/readme.txt',
  'tincan/image.json',
];

/** Whose boot loader the image has. */
export function bootLoaderOf(product: Product): 'raspberry-pi' | 'grub' {
  return product.boot.files.some((path) => path.toLowerCase().startsWith('grub/')) ? 'grub' : 'raspberry-pi';
}

export const diskChecks: readonly Check[] = [
  {
    name: 'partition-table',
    title: 'FAT32 at 4 MiB, root and data, aligned, one after the other',
    find: async (product) => [
      ...layoutProblems(product, await readSector(product.image.raw)),
      ...overlapProblems(product.image.partitions),
    ],
  },
  {
    name: 'labels',
    title: 'the labels RASPIFIRM and TINCANDATA',
    find: ({ boot, data }) => [
      ...labelProblem('boot', boot.label, 'RASPIFIRM'),
      ...labelProblem('data', data.label, 'TINCANDATA'),
    ],
  },
  {
    name: 'boot-files',
    title: 'firmware, kernel, initrd, device trees and the folder tincan',
    find: (product) => {
      const there = new Set(product.boot.files.map((path) => path.toLowerCase()));
      const needed = bootLoaderOf(product) === 'grub' ? GRUB_FILES : RASPBERRY_PI_FILES;
      return needed
        .filter((path) => !there.has(path))
        .map((path) => `there is no ${path} on the boot partition, and the board does not start without it`);
    },
  },
  {
    name: 'command-line',
    title: 'the kernel is told of this root, read-only, and to start anew after a panic',
    find: commandLineProblems,
  },
  {
    name: 'data-empty',
    title: 'the data partition is clean and holds no file',
    find: ({ data }) => [
      ...(data.isClean ? [] : ['the data partition was not unmounted cleanly: it needs recovery']),
      ...data.files.map((path) => `the data partition holds ${path}, and every copy of the image would`),
    ],
  },
  { name: 'size', title: 'at most 350 MB of content, 150 MB compressed', find: sizeProblems },
];

function layoutProblems(product: Product, sector: Buffer): string[] {
  const { partitions } = product.image;
  const problems = LAYOUT.flatMap(({ number, types, what }) => {
    const type = types[bootLoaderOf(product)];
    const found = partitions.find((partition) => partition.number === number);
    if (!found) return [`there is no partition ${number} (${what})`];
    const actual = sector.readUInt8(TYPES_AT + (number - 1) * ENTRY_BYTES);
    const wrongType =
      actual === type
        ? []
        : [
            `partition ${number} (${what}) has type ${hexadecimal(actual)}, and ${hexadecimal(type)} is expected`,
          ];
    const unaligned =
      found.startBytes % MEBIBYTE === 0 ? [] : [`partition ${number} (${what}) does not begin at a full MiB`];
    return [...wrongType, ...unaligned];
  });
  const start = partitions.find(({ number }) => number === 1)?.startBytes;
  if (start !== undefined && start !== BOOT_START_BYTES) {
    problems.push(`the boot partition begins at byte ${start}, and ${BOOT_START_BYTES} (4 MiB) is its place`);
  }
  return [
    ...problems,
    ...partitions
      .filter(({ number }) => number > 3)
      .map(({ number }) => `there is a partition ${number}, which no image has`),
  ];
}

function overlapProblems(partitions: readonly Partition[]): string[] {
  return partitions.flatMap((partition, position) => {
    const next = partitions[position + 1];
    if (!next || partition.startBytes + partition.sizeBytes <= next.startBytes) return [];
    return [`partition ${partition.number} reaches into partition ${next.number}`];
  });
}

function labelProblem(what: string, label: string | null, wanted: string): string[] {
  if (label === wanted) return [];
  return [`the ${what} partition is labelled ${JSON.stringify(label ?? '')}, and ${wanted} is looked for`];
}

async function commandLineProblems({ boot, image, root }: Product): Promise<string[]> {
  const file = boot.files.find((path) => /^(cmdline\.txt|grub\/grub\.cfg)$/i.test(path));
  if (file === undefined) return ['there is no kernel command line (cmdline.txt or grub/grub.cfg)'];
  const text = await boot.readText(file);
  const line = file.toLowerCase() === 'cmdline.txt' ? text : (/^\s*linux\s.*$/m.exec(text)?.[0] ?? '');
  const words = line.trim().split(/\s+/);
  const rootWord = words.find((word) => word.startsWith('root='));
  const problems: string[] = [];
  const id = await diskIdOf(image.raw);
  const wanted = `root=PARTUUID=${id}-02`;
  if (rootWord?.toLowerCase() !== wanted.toLowerCase()) {
    problems.push(`${file} has ${rootWord ?? 'no root='}, and this disk's root is ${wanted}`);
  }
  if (!words.includes('ro')) problems.push(`${file} does not mount the root read-only (ro)`);
  const restarts = words.some((word) => /^panic=[1-9]/.test(word)) || (await panicSetting(root));
  if (!restarts) problems.push(`neither ${file} nor sysctl.d lets a board that panics start anew (panic=10)`);
  if (/\binit=|\bsystemd\.debug[-_]shell\b|\bsingle\b/.test(line)) {
    problems.push(`${file} opens the board to whoever sits before it: ${line.trim()}`);
  }
  return problems;
}

async function panicSetting(root: Product['root']): Promise<boolean> {
  const files = root.entries.filter(({ path }) => /^(usr\/lib|etc)\/sysctl\.d\/[^/]+\.conf$/.test(path));
  for (const { path } of files) {
    if (/^\s*kernel\.panic\s*=\s*[1-9]/m.test((await root.readText(path)) ?? '')) return true;
  }
  return false;
}

/** The disk's number in the MBR, as the kernel writes it in PARTUUIDs. */
async function diskIdOf(raw: string): Promise<string> {
  return (await readSector(raw)).readUInt32LE(DISK_ID_AT).toString(16).padStart(8, '0');
}

async function readSector(raw: string): Promise<Buffer> {
  const handle = await open(raw, 'r');
  try {
    return (await handle.read(Buffer.alloc(SECTOR_BYTES), 0, SECTOR_BYTES, 0)).buffer;
  } finally {
    await handle.close();
  }
}

function hexadecimal(byte: number): string {
  return `0x${byte.toString(16).padStart(2, '0')}`;
}

function sizeProblems({ image }: Product): string[] {
  const content = image.partitions.find(({ number }) => number === 2)?.sizeBytes ?? 0;
  const problems: string[] = [];
  if (content > MOST_CONTENT_BYTES) {
    problems.push(
      `the root has ${megabytes(content)} MB, and ${megabytes(MOST_CONTENT_BYTES)} MB is the limit`,
    );
  }
  if (image.isCompressed && image.fileBytes > MOST_COMPRESSED_BYTES) {
    problems.push(
      `the compressed image has ${megabytes(image.fileBytes)} MB, and ${megabytes(MOST_COMPRESSED_BYTES)} MB is the limit`,
    );
  }
  return problems;
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}
