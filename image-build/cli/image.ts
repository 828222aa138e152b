/** The commands of `tincan image …`: options and help; what each does is loaded when it is called. */
import type { Command } from 'commander';
import type { CliIo } from '../../agent/cli/cli-io.ts';
import { registerBoot } from './boot-command.ts';
import { registerVerify } from './verify-command.ts';

/** Adds `image` and its commands to the program. */
export function registerImage(program: Command, io: CliIo, setExitCode: (code: number) => void): void {
  const image = program.command('image').description('Makes, checks, writes and starts images for SD cards.');
  registerVerify(image, io, setExitCode);
  registerBoot(image, io);
}
