/** The command line of tincan: which commands there are, and which of them are loaded. The process itself is main.ts's matter. */
import type { Command } from 'commander';
import type { CliIo } from './cli-io.ts';
import { registerCommands } from './commands.ts';
import { loadImageCli } from './image-entry.ts';
import { isAbout, runProgram, type SetExitCode } from './run-program.ts';

/** Runs `tincan ...args`. Never throws; everything wrong is told on io.err. */
export async function runCli(args: readonly string[], io: CliIo): Promise<number> {
  return runProgram(args, io, async (program, setExitCode) => {
    registerCommands(program, io, setExitCode);
    await registerFleetCommands(program, args, io);
    registerImageCommands(program, args, io, setExitCode);
  });
}

/** The owner's commands are the largest part: only who asks for them loads them. */
async function registerFleetCommands(program: Command, args: readonly string[], io: CliIo): Promise<void> {
  if (isAbout('fleet', args)) {
    const { registerFleet } = await import('./fleet.ts');
    registerFleet(program, io);
  } else {
    program
      .command('fleet')
      .summary('make and run a fleet: init, add, apply, revoke, serve, list, show, status');
  }
}

/** `tincan image` takes all of its arguments as they are, its help included, and reports by itself. */
function registerImageCommands(
  program: Command,
  args: readonly string[],
  io: CliIo,
  setExitCode: SetExitCode,
): void {
  program
    .command('image')
    .summary('images and cards for devices: personalise, flash, verify, boot')
    .helpOption(false)
    .argument('[args...]')
    .allowUnknownOption()
    .action(async () => {
      const { runImageCli } = await loadImageCli();
      setExitCode(await runImageCli(args, io));
    });
}
