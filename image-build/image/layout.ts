/** How an image is divided, and the names in it that firmware, initramfs and the other image commands rely on. */
import type { Board } from './board.ts';

const MIB = 1024 * 1024;

/** Until here: partition table, GRUB's own code, and room that card makers' erase blocks like. */
export const FIRST_PARTITION_BYTES = 4 * MIB;
/** Two kernels and their initrds fit, for a change that does not fail half-way. */
export const BOOT_PARTITION_BYTES = 160 * MIB;
/** Grown on the first boot; an identity fits into it, if it never is. */
export const DATA_PARTITION_BYTES = 32 * MIB;

/** "TINC": the disk's number in the MBR, the boot partition's serial number, and the start of the other identifiers. */
export const DISK_ID = '54494e43';
export const BOOT_LABEL = 'RASPIFIRM';
export const DATA_LABEL = 'TINCANDATA';

export const ROOT_PARTUUID = `${DISK_ID}-02`;

/** What the kernel is told. Without BPF among the security modules systemd starts seconds earlier on a small board. */
export function kernelCommandLine(board: Board): string {
  return [
    ...board.consoles.map((name) => `console=${name}`),
    `root=PARTUUID=${ROOT_PARTUUID}`,
    'ro',
    'panic=10',
    'lsm=lockdown,capability,landlock,yama',
    'loglevel=4',
  ].join(' ');
}
