/** The boards that images are made for: which Debian packages each needs, and how it starts. */
import { UsageError } from '../../agent/errors.ts';

/** How the board finds its kernel on the boot partition: the Raspberry Pi's own firmware, or GRUB for BIOS and EFI. */
export type BootLoader = 'raspberry-pi' | 'grub';

export interface Board {
  readonly name: string;
  readonly title: string;
  /** As Debian names it. */
  readonly architecture: 'arm64' | 'amd64';
  readonly bootLoader: BootLoader;
  /** The kernel's consoles; the last one is the one that systemd speaks on. */
  readonly consoles: readonly string[];
  readonly packages: readonly string[];
  /** Needed to make the boot partition, and left out of the root. */
  readonly buildPackages: readonly string[];
  /** The root file system alone is wanted as well, to be unpacked under another kernel. */
  readonly rootTarball: boolean;
}

/** What every image has; the agent and Node.js come as packages of our own. */
const COMMON_PACKAGES = [
  'busybox',
  'e2fsprogs',
  'fdisk',
  'initramfs-tools',
  'iproute2',
  'iputils-ping',
  'jq',
  'kmod',
  'libnss-myhostname',
  'openssh-server',
  'systemd',
  'systemd-resolved',
  'systemd-sysv',
  'systemd-timesyncd',
  'udev',
  'util-linux',
  'wireless-regdb',
  'wpasupplicant',
  'zstd',
];

const X86_BUILD_PACKAGES = ['grub-common', 'grub-efi-amd64-bin', 'grub-pc-bin'];

const BOARDS: readonly Board[] = [
  {
    name: 'rpi-arm64',
    title: 'Raspberry Pi 3, 4 and Zero 2 W (64 bit)',
    architecture: 'arm64',
    bootLoader: 'raspberry-pi',
    consoles: ['ttyS1,115200', 'tty0'],
    packages: [...COMMON_PACKAGES, 'firmware-brcm80211', 'linux-image-arm64'],
    buildPackages: ['raspi-firmware', 'device-tree-compiler'],
    rootTarball: false,
  },
  {
    name: 'generic-x86_64',
    title: 'x86-64 computers and virtual machines, BIOS and EFI',
    architecture: 'amd64',
    bootLoader: 'grub',
    consoles: ['tty0', 'ttyS0,115200'],
    packages: [...COMMON_PACKAGES, 'linux-image-amd64'],
    buildPackages: X86_BUILD_PACKAGES,
    rootTarball: false,
  },
  {
    name: 'edison-x86_64',
    title: 'Intel Edison with a 64-bit system',
    architecture: 'amd64',
    bootLoader: 'grub',
    consoles: ['tty0', 'ttyS2,115200'],
    packages: [...COMMON_PACKAGES, 'firmware-brcm80211', 'linux-image-amd64'],
    buildPackages: X86_BUILD_PACKAGES,
    rootTarball: true,
  },
];

/** Throws UsageError for a name that is none. */
export function boardNamed(name: string): Board {
  const board = BOARDS.find((one) => one.name === name);
  if (board) return board;
  const known = BOARDS.map((one) => `${one.name} (${one.title})`).join(', ');
  throw new UsageError(`there is no board "${name}"; choose one of: ${known}`);
}

/** For help texts. */
export const boardNames: readonly string[] = BOARDS.map((board) => board.name);
