/**
 * Makes an image ready for QEMU: takes out of its boot partition what the firmware would have loaded, and gives the
 * emulated card a size that the board accepts. The image itself is changed only where `keep` says so.
 */
import { truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { Refusal, UsageError } from '../../agent/errors.ts';
import { runProgram } from '../image/program.ts';
import { BootFiles } from '../product/boot-files.ts';
import type { OpenedImage } from '../product/opened-image.ts';
import type { EmulatedBoard } from './emulated-board.ts';
import { commandLineFor, type KernelFiles, type MachineDisk } from './qemu-command.ts';

const GRUB_CONFIG = 'grub/grub.cfg';

/**
 * Null where the board's own boot loader starts the image, unless `isDirect` says past it. Throws Refusal('no-kernel')
 * where the image has nothing that this board could start.
 */
export async function kernelFilesOf(
  image: OpenedImage,
  board: EmulatedBoard,
  signal: AbortSignal,
  isDirect = false,
): Promise<KernelFiles | null> {
  if (board.boots === 'disk' && !isDirect) return null;
  const partition = new BootFiles(image, signal);
  const files = new Map((await partition.list()).map((path) => [path.toLowerCase(), path]));
  const named = (name: string): string => {
    const path = files.get(name);
    if (path !== undefined) return path;
    throw new Refusal(
      'no-kernel',
      `${image.file} cannot start as ${board.title}: there is no ${name} on its boot partition`,
    );
  };
  const commandLine =
    board.boots === 'disk'
      ? grubCommandLine(await partition.readText(named(GRUB_CONFIG)))
      : await partition.readText(named('cmdline.txt'));
  return {
    kernel: await partition.extract(named('vmlinuz')),
    initrd: await partition.extract(named('initrd.img')),
    deviceTree: board.deviceTree === null ? null : await partition.extract(named(board.deviceTree)),
    commandLine: commandLineFor(board, commandLine),
  };
}

/** What GRUB would give the kernel. */
function grubCommandLine(config: string): string {
  return /^\s*linux\s+\S+\s+(.*)$/m.exec(config)?.[1] ?? '';
}

/** Throws UsageError where what is to be kept cannot be. */
export async function diskOf(
  image: OpenedImage,
  board: EmulatedBoard,
  keep: boolean,
  signal: AbortSignal,
): Promise<MachineDisk> {
  if (keep) {
    if (image.isCompressed) {
      throw new UsageError(
        `${image.file} is compressed, and --keep would write to it: unpack it first (xz --decompress --keep ${image.file})`,
      );
    }
    if (board.wantsPowerOfTwo) await truncate(image.raw, powerOfTwoFrom(image.rawBytes));
    return { path: image.raw, isSnapshot: false };
  }
  if (!board.wantsPowerOfTwo) return { path: image.raw, isSnapshot: true };
  const copy = join(image.scratch, 'card');
  await copyImage(image.raw, copy, powerOfTwoFrom(image.rawBytes), signal);
  return { path: copy, isSnapshot: false };
}

/** A copy that takes no more room than what is in it, as large as `sizeBytes`. */
export async function copyImage(
  from: string,
  to: string,
  sizeBytes: number,
  signal: AbortSignal,
): Promise<void> {
  await runProgram('cp', ['--sparse=always', '--reflink=auto', '--no-preserve=mode', from, to], { signal });
  await truncate(to, sizeBytes);
}

export function powerOfTwoFrom(bytes: number): number {
  return 2 ** Math.ceil(Math.log2(bytes));
}
