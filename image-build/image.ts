/** `tincan image`: a program of its own, in dist/image.js, which the agent's command line loads when it is asked for. */
import type { CliIo } from '../agent/cli/cli-io.ts';
import type { ImageCli } from '../agent/cli/image-entry.ts';
import { runProgram } from '../agent/cli/run-program.ts';
import { registerImage } from './image-commands.ts';

/** One run of `tincan image …`: the arguments begin with `image`. Never throws. */
export const runImageCli: ImageCli['runImageCli'] = (args: readonly string[], io: CliIo) =>
  runProgram(args, io, async (program, setExitCode) => {
    registerImage(program, io, setExitCode);
  });
