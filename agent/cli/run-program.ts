/** Runs a command line with the commands it is given: exit codes, usage errors, and every failure as one sentence. */
import { Command, CommanderError } from 'commander';
import { productVersion } from '../adapters/product-version.ts';
import { EnvironmentFault, Refusal, TincanError, UsageError } from '../errors.ts';
import type { CliIo } from './cli-io.ts';

/** Takes a command's exit code where it is neither 0 nor an error's. */
export type SetExitCode = (code: number) => void;

const FAILED = 1;
const USAGE = 2;
/** Those that have a help page of their own. */
const COMMANDS = ['agent', 'status', 'links', 'ping', 'broker', 'fleet', 'image'];

/** EX_SOFTWARE of sysexits(3): a bug. */
const BUG = 70;

/** Runs `tincan ...args` with the commands that `register` adds. Never throws; everything wrong is told on io.err. */
export async function runProgram(
  args: readonly string[],
  io: CliIo,
  register: (program: Command, setExitCode: SetExitCode) => Promise<void>,
): Promise<number> {
  let exitCode = 0;
  try {
    const program = emptyProgram(io);
    await register(program, (code) => {
      exitCode = code;
    });
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    return told(error, args, io);
  }
}

/** `tincan NAME …` and `tincan help NAME`. */
export function isAbout(name: string, args: readonly string[]): boolean {
  const [first, second] = args.filter((argument) => !argument.startsWith('-'));
  return first === name || (first === 'help' && second === name);
}

function emptyProgram(io: CliIo): Command {
  return new Command('tincan')
    .description("Puts devices and their sensors on their owner's private network, over peer-to-peer links.")
    .version(productVersion, '--version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .configureOutput({ writeOut: io.out, writeErr: io.err, outputError: () => undefined })
    .exitOverride()
    .addHelpText('after', '\nStart:\n  $ tincan fleet init --help     make a fleet, on your own machine\n');
}

function told(error: unknown, args: readonly string[], io: CliIo): number {
  if (error instanceof CommanderError) return toldUsage(error, args, io);
  if (error instanceof TincanError) {
    // Who interrupts knows it.
    if (reasonOf(error) === 'interrupted') return FAILED;
    tell(error.message, reasonOf(error), args, io);
    return error instanceof UsageError ? USAGE : FAILED;
  }
  io.err(
    `${error instanceof Error ? error.stack : String(error)}\nThis is a bug of tincan ${productVersion}.\n`,
  );
  return BUG;
}

/** Help and version come as errors of exit code 0; help for lack of a command is a wrong usage. */
function toldUsage(error: CommanderError, args: readonly string[], io: CliIo): number {
  if (error.exitCode === 0) return 0;
  if (error.code !== 'commander.help') {
    const sentence = error.message.replace(/^error: /, '').replaceAll('\n', ' ');
    tell(`${sentence}; see "${helpFor(args)}"`, 'usage', args, io);
  }
  return USAGE;
}

function helpFor(args: readonly string[]): string {
  const [command] = args;
  return command !== undefined && COMMANDS.includes(command) ? `tincan ${command} --help` : 'tincan --help';
}

function tell(sentence: string, reason: string, args: readonly string[], io: CliIo): void {
  io.err(wantsJson(args) ? `${JSON.stringify({ error: sentence, reason })}\n` : `tincan: ${sentence}\n`);
}

function wantsJson(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  return (end === -1 ? args : args.slice(0, end)).includes('--json');
}

function reasonOf(error: TincanError): string {
  if (error instanceof Refusal) return error.reason;
  if (error instanceof EnvironmentFault) return error.code;
  return error instanceof UsageError ? 'usage' : 'failed';
}
