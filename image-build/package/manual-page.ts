/** tincan(1), in the language of man(7), made of the commands' own help. */
import type { CommandEntry } from './command-reference.ts';

/** The whole page. `date` is YYYY-MM-DD. */
export function manualPage(commands: readonly CommandEntry[], version: string, date: string): string {
  const [program, ...rest] = commands;
  return [
    `.TH TINCAN 1 ${date} "tincan ${version}" "Tincan"`,
    '.SH NAME',
    `tincan \\- a board's sensors on its owner's private network`,
    '.SH SYNOPSIS',
    '.B tincan',
    '.I COMMAND',
    '[OPTIONS]',
    '.SH DESCRIPTION',
    text(program?.description ?? ''),
    'Every command has',
    '.BR \\-\\-help .',
    '.SH COMMANDS',
    ...rest.filter(({ subcommands }) => subcommands.length === 0).flatMap(section),
    ...FILES,
    ...EXIT_STATUS,
    '',
  ].join('\n');
}

function section({
  path,
  description,
  argumentsText,
  options,
  arguments: names,
  examples,
}: CommandEntry): string[] {
  const synopsis = [text(`tincan ${path}`), text(argumentsText)].filter((part) => part !== '').join(' ');
  return [
    `.SS ${synopsis}`,
    text(description),
    ...names
      .filter((name) => name.description)
      .flatMap((name) => ['.TP', `.I ${text(name.name)}`, text(name.description)]),
    ...options.flatMap(({ flags, choices, description: what }) => {
      const one = choices.length > 0 ? ` (${choices.join(', ')})` : '';
      return ['.TP', `.B ${text(flags)}`, text(`${what}${one}`)];
    }),
    ...examples.flatMap((example) => ['.PP', '.EX', ...example.split('\n').map((line) => text(line)), '.EE']),
  ];
}

/** Backslashes and hyphens as they stand, and no line that roff would take for a request. */
function text(words: string): string {
  return words
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/gm, '\\&$1');
}

const FILES = [
  '.SH FILES',
  '.TP',
  '.I /etc/tincan/claim.json',
  'A claim for this device: the service takes it as soon as it is there, also from',
  '.IR /boot/firmware/tincan/claim.json .',
  '.TP',
  '.I /etc/default/tincan',
  'More options for the service.',
  '.TP',
  '.I /var/lib/tincan',
  "The device's identity and its config. Who copies it copies the device.",
  '.TP',
  '.I /run/tincan/control.sock',
  'The control API: HTTP and JSON on a unix socket.',
];

const EXIT_STATUS = [
  '.SH EXIT STATUS',
  '0: done. 1: failed, or refused. 2: wrong usage, and nothing was changed.',
];
