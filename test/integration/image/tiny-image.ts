/** An image as small as it can be and still be sound: real file systems and a real partition table, made without root. */
import { execFile } from 'node:child_process';
import { chmod, mkdir, symlink, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { productVersion } from '../../../agent/adapters/product-version.ts';
import { missingPackages, programPath } from '../../../image-build/product/needed-programs.ts';

const run = promisify(execFile);
const MEBIBYTE = 1024 * 1024;
const BOOT_MB = 40;
const DATA_MB = 8;
const DISK_ID = '54494e43';
const ARM64 = 183;

const TOOLS = {
  mksquashfs: 'squashfs-tools',
  'mkfs.vfat': 'dosfstools',
  mcopy: 'mtools',
  mke2fs: 'e2fsprogs',
  sfdisk: 'fdisk',
} as const;

/** What is to be made otherwise than it should be. */
export interface Tampering {
  /** Files of the root to write (null: to leave out), with their modes. */
  readonly root?: Readonly<Record<string, string | Buffer | null>>;
  readonly modes?: Readonly<Record<string, number>>;
  readonly links?: Readonly<Record<string, string | null>>;
  /** One of the folders that file systems are mounted at. */
  readonly withoutFolder?: string;
  /** Definitions of mksquashfs(1), for owners and devices: `dev/null c 666 0 0 1 3`. */
  readonly pseudo?: readonly string[];
  /** The files belong to who runs the test, but for what `pseudo` says. */
  readonly keepsOwners?: boolean;
  readonly boot?: Readonly<Record<string, string | null>>;
  readonly data?: Readonly<Record<string, string>>;
  readonly bootLabel?: string;
  readonly dataLabel?: string;
  readonly bootType?: string;
  readonly bootStartMb?: number;
}

/** One sentence why no image can be made here, or null. */
export async function tinyImageProblem(): Promise<string | null> {
  const missing = await missingPackages(TOOLS);
  return missing.length === 0 ? null : `making images needs: apt-get install ${missing.join(' ')}`;
}

/** Writes `image.img` into the directory. */
export async function makeTinyImage(directory: string, tampering: Tampering = {}): Promise<string> {
  const { bootStartMb = 4, bootType = 'c', bootLabel = 'RASPIFIRM', dataLabel = 'TINCANDATA' } = tampering;
  const root = await rootFileSystem(directory, tampering);
  const boot = await bootFileSystem(directory, tampering.boot ?? {}, bootLabel);
  const data = await dataFileSystem(directory, tampering.data ?? {}, dataLabel);
  const image = join(directory, 'image.img');
  const rootMb = 2;
  const starts = { boot: bootStartMb, root: bootStartMb + BOOT_MB, data: bootStartMb + BOOT_MB + rootMb };
  await writeFile(image, '');
  await truncate(image, (starts.data + DATA_MB + 1) * MEBIBYTE);
  const table = [
    'label: dos',
    `label-id: 0x${DISK_ID}`,
    `start=${starts.boot}MiB, size=${BOOT_MB}MiB, type=${bootType}, bootable`,
    `start=${starts.root}MiB, size=${rootMb}MiB, type=83`,
    `start=${starts.data}MiB, size=${DATA_MB}MiB, type=83`,
  ];
  await sh(`printf '%s\\n' "$@" | sfdisk --quiet "$0"`, [image, ...table]);
  for (const [file, start] of [
    [boot, starts.boot],
    [root, starts.root],
    [data, starts.data],
  ] as const) {
    await sh('dd if="$0" of="$1" bs=1M seek="$2" conv=notrunc,sparse status=none', [
      file,
      image,
      String(start),
    ]);
  }
  return image;
}

/** The start of a program for this machine: as much of ELF as is looked at. */
export function elf(machine: number): Buffer {
  const bytes = Buffer.alloc(128);
  bytes.write('\x7fELF', 'latin1');
  bytes.writeUInt16LE(machine, 18);
  return bytes;
}

const UNIT =
  '[Unit]\nDescription=Test\n[Service]\nExecStart=/usr/bin/tincan\n[Install]\nWantedBy=multi-user.target\n';

const SOUND_ROOT: Readonly<Record<string, string | Buffer>> = {
  'usr/bin/tincan': '#!/bin/sh\n',
  'usr/lib/tincan/dist/tincan.js': '// the agent\n',
  'usr/lib/tincan/node/bin/node': elf(ARM64),
  'usr/lib/tincan/dist/datapath-linux-arm64.node': elf(ARM64),
  'usr/lib/tincan/node_modules/node-datachannel/build/Release/node_datachannel.node': elf(ARM64),
  'usr/lib/systemd/systemd': elf(ARM64),
  'usr/sbin/wpa_supplicant': elf(ARM64),
  'usr/sbin/sshd': elf(ARM64),
  'usr/sbin/resize2fs': elf(ARM64),
  'usr/bin/jq': elf(ARM64),
  'usr/bin/passwd': elf(ARM64),
  'usr/lib/systemd/system/tincan.service': UNIT,
  'usr/lib/systemd/system/tincan-claim.path': '[Path]\nPathChanged=/etc/tincan/claim.json\n',
  'usr/lib/systemd/system/tincan-wifi-config.path': '[Path]\nPathChanged=/var/lib/tincan/wifi.json\n',
  'usr/lib/systemd/system/systemd-networkd.service': UNIT,
  'usr/lib/systemd/system/systemd-resolved.service': UNIT,
  'usr/lib/systemd/system/systemd-timesyncd.service': UNIT,
  'etc/systemd/journald.conf.d/10-tincan.conf': '[Journal]\nStorage=volatile\n',
  'etc/fstab': 'LABEL=RASPIFIRM /boot/firmware vfat ro,noatime 0 0\n',
  'etc/machine-id': '',
  'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\n',
  'etc/shadow': 'root:*:20000:0:99999:7:::\n',
  'var/lib/dpkg/status': `Package: tincan\nStatus: install ok installed\nVersion: ${productVersion}\n`,
};
const SOUND_FOLDERS = ['dev', 'proc', 'sys', 'run', 'tmp', 'data', 'boot/firmware', 'var/lib/tincan'];
const SOUND_MODES: Readonly<Record<string, number>> = {
  'etc/shadow': 0o640,
  'usr/bin/tincan': 0o755,
  'usr/bin/passwd': 0o4755,
};
const WANTS = 'etc/systemd/system/multi-user.target.wants';
const UNITS = '/usr/lib/systemd/system';
const SOUND_LINKS: Readonly<Record<string, string>> = Object.fromEntries(
  [
    'tincan.service',
    'tincan-claim.path',
    'tincan-wifi-config.path',
    'systemd-networkd.service',
    'systemd-resolved.service',
    'systemd-timesyncd.service',
  ].map((unit) => [`${WANTS}/${unit}`, `${UNITS}/${unit}`]),
);

const SOUND_BOOT: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    [
      ...['bootcode.bin', 'start.elf', 'start4.elf', 'fixup.dat', 'fixup4.dat', 'config.txt', 'vmlinuz'],
      ...['initrd.img', 'bcm2711-rpi-4-b.dtb', 'bcm2837-rpi-3-b.dtb', 'bcm2837-rpi-3-b-plus.dtb'],
      ...['bcm2837-rpi-zero-2-w.dtb', 'tincan/README.txt'],
    ].map((path) => [path, path]),
  ),
  'tincan/image.json': JSON.stringify({ version: productVersion, board: 'rpi-arm64', buildId: 'tiny' }),
  'cmdline.txt': `console=ttyS1,115200 root=PARTUUID=${DISK_ID}-02 ro panic=10\n`,
};

async function rootFileSystem(directory: string, tampering: Tampering): Promise<string> {
  const tree = join(directory, 'root');
  const files = { ...SOUND_ROOT, ...tampering.root };
  for (const path of SOUND_FOLDERS) {
    if (path !== tampering.withoutFolder) await mkdir(join(tree, path), { recursive: true });
  }
  for (const [path, content] of Object.entries(files)) if (content !== null) await put(tree, path, content);
  const links = { ...SOUND_LINKS, ...tampering.links };
  for (const [path, target] of Object.entries(links)) {
    if (target === null) continue;
    await mkdir(dirname(join(tree, path)), { recursive: true });
    await symlink(target, join(tree, path));
  }
  for (const [path, mode] of Object.entries({ ...SOUND_MODES, ...tampering.modes })) {
    if (files[path] !== null) await chmod(join(tree, path), mode);
  }
  const pseudo = (tampering.pseudo ?? []).flatMap((definition) => ['-p', definition]);
  const squashfs = join(directory, 'root.squashfs');
  // -all-root overrides what definitions say of owners.
  const owners = tampering.keepsOwners ? [] : ['-all-root'];
  const fixed = [...owners, '-noappend', '-quiet', '-no-progress', '-no-xattrs'];
  await program('mksquashfs', [tree, squashfs, ...fixed, ...pseudo]);
  return squashfs;
}

async function bootFileSystem(
  directory: string,
  tampering: Readonly<Record<string, string | null>>,
  label: string,
): Promise<string> {
  const tree = join(directory, 'boot');
  for (const [path, content] of Object.entries({ ...SOUND_BOOT, ...tampering })) {
    if (content !== null) await put(tree, path, content);
  }
  const fat = join(directory, 'boot.fat');
  await writeFile(fat, '');
  await truncate(fat, BOOT_MB * MEBIBYTE);
  await program('mkfs.vfat', ['-F', '32', '-s', '1', '-n', label, fat]);
  await sh('cd "$0" && mcopy -s -i "$1" * ::', [tree, fat]);
  return fat;
}

async function dataFileSystem(
  directory: string,
  files: Readonly<Record<string, string>>,
  label: string,
): Promise<string> {
  const tree = join(directory, 'data');
  await mkdir(join(tree, 'tincan'), { recursive: true });
  for (const [path, content] of Object.entries(files)) await put(tree, path, content);
  const ext4 = join(directory, 'data.ext4');
  await program('mke2fs', ['-q', '-t', 'ext4', '-L', label, '-d', tree, ext4, `${DATA_MB}M`]);
  return ext4;
}

async function put(tree: string, path: string, content: string | Buffer): Promise<void> {
  await mkdir(dirname(join(tree, path)), { recursive: true });
  await writeFile(join(tree, path), content);
}

function sh(script: string, args: readonly string[]): Promise<unknown> {
  return program('sh', ['-e', '-c', script, ...args]);
}

function program(name: string, args: readonly string[]): Promise<unknown> {
  return run(name, args, { env: { ...process.env, PATH: programPath(), MTOOLS_SKIP_CHECK: '1' } });
}
