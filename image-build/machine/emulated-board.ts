/** The boards that QEMU plays: which program, which devices, and what the kernel's console is called on them. */
import { UsageError } from '../../agent/errors.ts';

export type EmulatedBoardName = 'virt' | 'raspi3b' | 'q35' | 'q35-efi';

/** EFI firmware: its code, and a template of what it remembers. */
export interface Firmware {
  readonly code: string;
  readonly variables: string;
  readonly debianPackage: string;
}

export interface EmulatedBoard {
  readonly name: EmulatedBoardName;
  readonly title: string;
  /** QEMU's name of it. */
  readonly machine: string;
  readonly program: string;
  /** The Debian package of the program. */
  readonly debianPackage: string;
  /** As Node names it: where the host's is the same, KVM can be used. */
  readonly architecture: 'arm64' | 'x64';
  readonly cpu: string;
  readonly defaultMemoryMb: number;
  /** The board's memory is soldered on: --memory would be refused by QEMU. */
  readonly hasFixedMemory: boolean;
  /** QEMU's SD card has a size that is a power of two. */
  readonly wantsPowerOfTwo: boolean;
  /** Started by its own boot loader, or given kernel, initrd and command line. */
  readonly boots: 'kernel' | 'disk';
  readonly console: string;
  /** Null: QEMU's own, which is a BIOS. */
  readonly firmware: Firmware | null;
  /** More words for the kernel's command line, for what QEMU plays otherwise than the board is. */
  readonly kernelWords: readonly string[];
  /** File on the boot partition; null where QEMU makes the device tree. */
  readonly deviceTree: string | null;
}

const PC: EmulatedBoard = {
  name: 'q35',
  machine: 'q35',
  title: 'an x86-64 computer',
  program: 'qemu-system-x86_64',
  debianPackage: 'qemu-system-x86',
  architecture: 'x64',
  // An emulated Intel counts as open to Meltdown: its kernel changes page tables with each call, and runs half as fast.
  cpu: 'max,vendor=AuthenticAMD',
  defaultMemoryMb: 1024,
  hasFixedMemory: false,
  wantsPowerOfTwo: false,
  boots: 'disk',
  console: 'ttyS0,115200',
  firmware: null,
  kernelWords: [],
  deviceTree: null,
};

const BOARDS: readonly EmulatedBoard[] = [
  {
    name: 'virt',
    machine: 'virt',
    title: 'an arm64 machine of virtual devices',
    program: 'qemu-system-aarch64',
    debianPackage: 'qemu-system-arm',
    architecture: 'arm64',
    cpu: 'cortex-a53',
    defaultMemoryMb: 1024,
    hasFixedMemory: false,
    wantsPowerOfTwo: false,
    boots: 'kernel',
    console: 'ttyAMA0,115200',
    firmware: null,
    // A kernel at a random address has page tables of its own, and each change of tables empties an emulated TLB.
    kernelWords: ['kpti=off'],
    deviceTree: null,
  },
  {
    name: 'raspi3b',
    machine: 'raspi3b',
    title: 'a Raspberry Pi 3B',
    program: 'qemu-system-aarch64',
    debianPackage: 'qemu-system-arm',
    architecture: 'arm64',
    cpu: 'cortex-a53',
    defaultMemoryMb: 1024,
    hasFixedMemory: true,
    wantsPowerOfTwo: true,
    boots: 'kernel',
    console: 'ttyAMA0,115200',
    firmware: null,
    // QEMU resets its Raspberry Pi when the watchdog is armed, not when it is forgotten (hw/misc/bcm2835_powermgt.c).
    kernelWords: ['systemd.watchdog_sec=off'],
    deviceTree: 'bcm2837-rpi-3-b.dtb',
  },
  PC,
  {
    ...PC,
    name: 'q35-efi',
    title: 'an x86-64 computer with EFI',
    firmware: {
      code: '/usr/share/OVMF/OVMF_CODE_4M.fd',
      variables: '/usr/share/OVMF/OVMF_VARS_4M.fd',
      debianPackage: 'ovmf',
    },
  },
];

export const emulatedBoardNames: readonly EmulatedBoardName[] = BOARDS.map(({ name }) => name);

/** What has to be installed to play it: programs and files, with their Debian packages. */
export function neededFor({ program, debianPackage, firmware }: EmulatedBoard): Record<string, string> {
  return { [program]: debianPackage, ...(firmware && { [firmware.code]: firmware.debianPackage }) };
}

/** Throws UsageError for a name that is none. */
export function emulatedBoard(name: string): EmulatedBoard {
  const board = BOARDS.find((one) => one.name === name);
  if (board) return board;
  const known = BOARDS.map((one) => `${one.name} (${one.title})`).join(', ');
  throw new UsageError(`QEMU plays no board "${name}" here; choose one of: ${known}`);
}
