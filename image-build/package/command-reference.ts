/** All commands of tincan as data, read from what prints their --help: the manual page and the completions are made of it. */
import { Command } from 'commander';
import type { CliIo } from '../../agent/cli/cli-io.ts';
import { registerCommands } from '../../agent/cli/commands.ts';
import { registerFleet } from '../../agent/cli/fleet.ts';
import { registerImage } from '../image-commands.ts';
import { bashCompletion, fishCompletion, zshCompletion } from './completions.ts';
import { manualPage } from './manual-page.ts';

export interface CommandOption {
  /** As in --help: `-c, --count <number>`. */
  flags: string;
  long: string;
  short: string | null;
  takesValue: boolean;
  choices: readonly string[];
  description: string;
}

export interface CommandEntry {
  /** `fleet init`; empty for tincan itself. */
  path: string;
  summary: string;
  description: string;
  /** What follows the name: `<dir> [device]`. */
  argumentsText: string;
  arguments: readonly { name: string; description: string }[];
  options: readonly CommandOption[];
  examples: readonly string[];
  /** Names of the commands below. */
  subcommands: readonly string[];
}

/** tincan and every command, each before those below it. */
export function commandReference(): CommandEntry[] {
  let printed = '';
  const io: CliIo = {
    out: () => undefined,
    err: () => undefined,
    isTerminal: false,
    size: () => ({ columns: 80, rows: 24 }),
    signal: new AbortController().signal,
  };
  const print = (text: string) => {
    printed += text;
  };
  const program = new Command('tincan')
    .description("Puts devices and their sensors on their owner's private network, over peer-to-peer links.")
    .version('', '--version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .configureOutput({ writeOut: print });
  registerCommands(program, io, () => undefined);
  registerFleet(program, io);
  registerImage(program, io, () => undefined);
  const helpOf = (command: Command) => {
    printed = '';
    command.outputHelp();
    return printed;
  };
  return entriesOf(program, '', helpOf);
}

function entriesOf(command: Command, path: string, helpOf: (command: Command) => string): CommandEntry[] {
  const visible = command.commands.filter((sub) => sub.name() !== 'help');
  const entry: CommandEntry = {
    path,
    summary: command.summary() || command.description(),
    description: command.description(),
    argumentsText: command.registeredArguments.map(argumentText).join(' '),
    arguments: command.registeredArguments.map((argument) => ({
      name: argument.name(),
      description: argument.description,
    })),
    options: command.options.map((option) => ({
      flags: option.flags,
      long: option.long ?? option.flags,
      short: option.short ?? null,
      takesValue: option.required || option.optional,
      choices: option.argChoices ?? [],
      description: described(option.description, option.defaultValue),
    })),
    examples: examplesIn(helpOf(command)),
    subcommands: visible.map((sub) => sub.name()),
  };
  return [entry, ...visible.flatMap((sub) => entriesOf(sub, `${path} ${sub.name()}`.trim(), helpOf))];
}

function argumentText(argument: Command['registeredArguments'][number]): string {
  return argument.required ? `<${argument.name()}>` : `[${argument.name()}]`;
}

function described(description: string, value: unknown): string {
  return value === undefined ? description : `${description} (default: ${String(value)})`;
}

/** The lines that begin with a prompt; what is indented below one goes on with it. */
function examplesIn(help: string): string[] {
  const examples: string[] = [];
  for (const line of help.split('\nExample:\n')[1]?.split('\n') ?? []) {
    const command = /^ {2}\$ (.*)$/.exec(line)?.[1];
    if (command !== undefined) examples.push(command);
    else if (/^ {3,}\S/.test(line)) examples.push(`${examples.pop() ?? ''}\n${line.trim()}`);
  }
  return examples;
}

/** The files that a package installs, by their place below /usr/share. */
export function referenceFiles(version: string, date: string): Record<string, string> {
  const commands = commandReference();
  return {
    'man/man1/tincan.1': manualPage(commands, version, date),
    'bash-completion/completions/tincan': bashCompletion(commands),
    'zsh/vendor-completions/_tincan': zshCompletion(commands),
    'fish/vendor_completions.d/tincan.fish': fishCompletion(commands),
  };
}
