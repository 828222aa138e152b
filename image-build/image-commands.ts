/** The commands of `tincan image`; each group adds its own. */
import type { Command } from 'commander';
import type { CliIo } from '../agent/cli/cli-io.ts';
import type { SetExitCode } from '../agent/cli/run-program.ts';
import { registerCard, withCardOptions } from './card/card-commands.ts';
import { registerBuild } from './image/build-command.ts';
import { registerBoot } from './machine/boot-command.ts';
import { registerVerify } from './verify/verify-command.ts';

/** Adds `image` and its commands to the program. */
export function registerImage(program: Command, io: CliIo, setExitCode: SetExitCode): void {
  const image = program
    .command('image')
    .description('Makes images for boards, puts claims into them, and writes them to cards.');
  registerBuild(image, withCardOptions, io);
  registerCard(image, io);
  registerVerify(image, io, setExitCode);
  registerBoot(image, io);
}
