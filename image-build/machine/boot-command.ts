/** `tincan image boot`: starts an image in QEMU, with its console on the terminal. */
import { type Command, InvalidArgumentError } from 'commander';
import type { CliIo } from '../../agent/cli/cli-io.ts';
import { EnvironmentFault, UsageError } from '../../agent/errors.ts';
import { BOOT_FILES_PROGRAMS } from '../product/boot-files.ts';
import { needPrograms } from '../product/needed-programs.ts';
import { openImage } from '../product/opened-image.ts';
import { type EmulatedBoard, emulatedBoard, emulatedBoardNames, neededFor } from './emulated-board.ts';
import { canUseKvm } from './kvm.ts';
import { diskOf, kernelFilesOf } from './machine-image.ts';
import type { PortForward } from './qemu-command.ts';
import { runMachine } from './run-machine.ts';

export interface BootOptions {
  board: string;
  keep?: boolean;
  direct?: boolean;
  memory?: number;
  forward?: PortForward[];
  timeout?: number;
}

/** Adds `boot` to `tincan image`. */
export function registerBoot(image: Command, io: CliIo): void {
  image
    .command('boot')
    .summary('start an image in QEMU')
    .description(
      'Starts an image in QEMU, with its console on this terminal. Ctrl-A x ends it. Nothing that the machine writes is kept, unless --keep is given.',
    )
    .argument('<file>', 'the image: .img or .img.xz')
    .option('--board <name>', `what QEMU plays: ${emulatedBoardNames.join(', ')}`, 'virt')
    .option('--snapshot', 'forget what the machine writes (this is the default)')
    .option('--keep', 'write into the image itself')
    .option('--direct', 'start the kernel itself, past the boot loader (q35; the other boards always do)')
    .option('--memory <megabytes>', 'memory of the machine', megabytes)
    .option(
      '--forward <hostport:guestport>',
      'a TCP port of 127.0.0.1 that leads into the machine (repeat for more)',
      forwards,
    )
    .option('--timeout <seconds>', 'end the machine after this time', seconds)
    .addHelpText('after', '\nExample:\n  $ tincan image boot greenhouse.img --board raspi3b\n')
    .action((file: string, options: BootOptions & { snapshot?: boolean }) => {
      if (options.snapshot && options.keep) {
        throw new UsageError('--snapshot and --keep are opposites: give one of them');
      }
      return runBoot(file, options, io);
    });
}

/** Resolves when the machine has ended. */
export async function runBoot(file: string, options: BootOptions, io: CliIo): Promise<void> {
  const board = emulatedBoard(options.board);
  const memoryMb = memoryOf(board, options.memory);
  await needPrograms('starting an image', {
    ...neededFor(board),
    ...(board.boots === 'kernel' || options.direct ? BOOT_FILES_PROGRAMS : {}),
  });
  const image = await openImage(file, io.signal);
  try {
    const kernel = await kernelFilesOf(image, board, io.signal, options.direct);
    const disk = await diskOf(image, board, options.keep ?? false, io.signal);
    const hasKvm = await canUseKvm(board);
    io.err(
      `${file} starts as ${board.title}${hasKvm ? ', with KVM' : ''}; Ctrl-A x ends it, Ctrl-A c leads to QEMU's monitor.\n`,
    );
    const network = { kind: 'user', forwards: options.forward ?? [] } as const;
    const machine = { board, disk, kernel, memoryMb, network, hasKvm, console: 'terminal' } as const;
    const timeoutMs = options.timeout === undefined ? null : options.timeout * 1000;
    const end = await runMachine(machine, io.signal, timeoutMs);
    if (end === 'interrupted') throw new EnvironmentFault('interrupted', 'the machine was interrupted');
    if (end === 'timed-out')
      io.err(`\nThe machine was ended after ${options.timeout} s, as --timeout says.\n`);
  } finally {
    await image.close();
  }
}

function memoryOf(board: EmulatedBoard, asked: number | undefined): number {
  if (asked === undefined) return board.defaultMemoryMb;
  if (board.hasFixedMemory && asked !== board.defaultMemoryMb) {
    throw new UsageError(
      `${board.name} has ${board.defaultMemoryMb} MB of memory, as the real board: leave --memory out`,
    );
  }
  return asked;
}

function megabytes(text: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < 128 || number > 65_536) {
    throw new InvalidArgumentError('Give megabytes from 128 to 65536');
  }
  return number;
}

function seconds(text: string): number {
  const number = Number(text);
  if (!/^\d*\.?\d+$/.test(text) || number <= 0 || number > 1_000_000) {
    throw new InvalidArgumentError('Give seconds, more than 0');
  }
  return number;
}

function forwards(text: string, before: PortForward[] | undefined): PortForward[] {
  const [, hostText, guestText] = /^(\d{1,5}):(\d{1,5})$/.exec(text) ?? [];
  const ports = { hostPort: Number(hostText), guestPort: Number(guestText) };
  const isPort = (port: number): boolean => port >= 1 && port <= 65_535;
  if (!isPort(ports.hostPort) || !isPort(ports.guestPort)) {
    throw new InvalidArgumentError('Give HOSTPORT:GUESTPORT, as in 2222:22');
  }
  return [...(before ?? []), ports];
}
