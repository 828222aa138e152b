/** `tincan image personalise` and `tincan image flash`: options, help, and what is printed. */
import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import { systemClock } from '../../agent/adapters/system-clock.ts';
import type { CliIo } from '../../agent/cli/cli-io.ts';
import { UsageError } from '../../agent/errors.ts';
import { flash } from './flash.ts';
import { LinuxBlockDevices } from './linux-block-devices.ts';
import {
  type CardOptions,
  type CardSurroundings,
  type PersonalisedCard,
  personalise,
  personaliseSheet,
  readCard,
} from './personalise.ts';
import { gigabytes } from './target-check.ts';
import { WriteProgress } from './write-progress.ts';

interface PersonaliseOptions extends CardOptions {
  out?: string;
  csv?: string;
  outDir?: string;
  json?: boolean;
}

interface FlashOptions extends CardOptions {
  yes?: boolean;
  anySize?: boolean;
  fixedDisk?: boolean;
  json?: boolean;
}

/** A line of progress this often: on a terminal it is one line, elsewhere a log that stays short. */
const LINE_MS = { terminal: 250, log: 10_000 };

/** Adds the commands that write cards. */
export function registerCard(image: Command, io: CliIo): void {
  withCardOptions(image.command('personalise'))
    .summary('put a claim, Wi-Fi and SSH keys into an image or a card')
    .description(
      'Writes a device’s claim, and what else is given, into the boot partition of an image or of a card. The rest of it stays as it is, and no root is needed for a file.',
    )
    .argument('<base>', 'image (.img, .img.xz with --out) or card (/dev/sdb)')
    .option('--out <file>', 'write a copy, and leave the base as it is')
    .option('--csv <file>', 'several devices: columns device, claim, wifi, wifi_password, …; with --out-dir')
    .option('--out-dir <directory>', 'where the images of --csv go')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      example(
        'tincan image personalise tincan.img.xz --claim greenhouse.claim.json --wifi "My network" \\\n      --wifi-password-file wifi.password --out greenhouse.img',
        'tincan image personalise tincan.img.xz --csv devices.csv --out-dir cards',
      ),
    )
    .action((base: string, options: PersonaliseOptions) => runPersonalise(base, options, io));
  withCardOptions(image.command('flash'))
    .summary('write an image to a card, and read it back')
    .description(
      'Writes an image (.img or .img.xz) to a card or a file, reads it back and compares. Disks that are mounted, that this computer runs from, that are built in or larger than 256 GB are refused.',
    )
    .argument('<file>', 'the image')
    .argument('<device>', 'the card, such as /dev/sdb, or a file')
    .option('--yes', 'do not ask')
    .option('--any-size', 'allow a disk of more than 256 GB')
    .option('--fixed-disk', 'allow a disk that is built in')
    .option('--json', 'print JSON')
    .addHelpText('after', example('tincan image flash tincan.img.xz /dev/sdb --claim greenhouse.claim.json'))
    .action((file: string, device: string, options: FlashOptions) => runFlash(file, device, options, io));
}

/** The options of every command that puts something on a card. */
export function withCardOptions(command: Command): Command {
  return command
    .option('--claim <file>', 'the device’s claim, from "tincan fleet add"')
    .option('--wifi <ssid>', 'Wi-Fi network that the device joins')
    .option('--wifi-password-file <file>', 'its first line is the password; none: an open network')
    .option('--wifi-country <code>', 'where the device is, such as DE: which channels are allowed')
    .option('--ssh-key <file>', 'public key(s) that may log in; without any there is no SSH')
    .option('--hostname <name>', 'another name than the claim’s device')
    .option('--fleet <directory>', 'refuse a claim that is not of this fleet, or was used');
}

async function runPersonalise(base: string, options: PersonaliseOptions, io: CliIo): Promise<void> {
  const around = surroundings(io);
  const report = (card: PersonalisedCard) =>
    io.out(options.json ? `${JSON.stringify(card)}\n` : cardText(card));
  if (options.csv === undefined) {
    if (options.outDir !== undefined)
      throw new UsageError('--out-dir belongs to --csv: give --out FILE for one device');
    return report(await personalise(base, await readCard(options, around.clock), options.out, around));
  }
  const ofOne = (
    ['claim', 'wifi', 'wifiPasswordFile', 'wifiCountry', 'sshKey', 'hostname', 'out'] as const
  ).find((name) => options[name] !== undefined);
  if (ofOne !== undefined)
    throw new UsageError('with --csv every device has its own values: put them into its columns');
  if (options.outDir === undefined)
    throw new UsageError('--csv makes several images: say where with --out-dir');
  await personaliseSheet(base, options.csv, options.outDir, options.fleet, around, report);
}

async function runFlash(image: string, target: string, options: FlashOptions, io: CliIo): Promise<void> {
  const around = surroundings(io);
  const { claim, wifi, wifiPasswordFile, wifiCountry, sshKey, hostname, fleet } = options;
  const wishes = [claim, wifi, wifiPasswordFile, wifiCountry, sshKey, hostname, fleet];
  const wantsCard = wishes.some((wish) => wish !== undefined);
  const card = wantsCard ? await readCard(options, around.clock) : null;
  const written = progressLine('writing', io);
  const verified = progressLine('reading back', io);
  const done = await flash(
    {
      image,
      target,
      card,
      permissions: { anySize: options.anySize ?? false, fixedDisk: options.fixedDisk ?? false },
      confirm: (what) => confirmed(what, options.yes ?? false, io),
      onWritten: written,
      onVerified: verified,
    },
    around,
  );
  if (options.json) return io.out(`${JSON.stringify(done)}\n`);
  io.out(`${target}: ${gigabytes(done.bytes)} written, read back and compared (sha256 ${done.sha256})\n`);
  if (done.personalised) io.out(cardText(done.personalised));
}

function surroundings(io: CliIo): CardSurroundings {
  return { devices: new LinuxBlockDevices(), clock: systemClock, signal: io.signal };
}

function cardText({ device, fleet, file, image, files }: PersonalisedCard): string {
  const whose = device === null ? 'for any device' : `${device} of fleet ${fleet}`;
  return `${file}: ${whose}, with ${files.join(', ')} (Tincan ${image.version}, ${image.board})\n`;
}

function progressLine(label: string, io: CliIo): (bytes: number, ofBytes: number) => void {
  const everyMs = io.isTerminal ? LINE_MS.terminal : LINE_MS.log;
  let progress: WriteProgress | null = null;
  let shownMs = Number.NEGATIVE_INFINITY;
  return (bytes, ofBytes) => {
    progress ??= new WriteProgress(label, ofBytes, systemClock);
    const nowMs = systemClock.monotonicMs();
    if (nowMs - shownMs < everyMs && bytes < ofBytes) return;
    shownMs = nowMs;
    const line = progress.line(bytes);
    if (!io.isTerminal) io.err(`${line}\n`);
    else io.err(`\r\x1b[K${line}${bytes < ofBytes ? '' : '\n'}`);
  };
}

/** Throws UsageError where nobody can be asked. */
async function confirmed(what: string, isGiven: boolean, io: CliIo): Promise<boolean> {
  if (isGiven) return true;
  if (!io.isTerminal || !process.stdin.isTTY) {
    throw new UsageError(`this overwrites ${what}: say --yes where nobody can be asked`);
  }
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await prompt.question(`This overwrites ${what}. Go on? [y/N] `, { signal: io.signal });
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    prompt.close();
  }
}

function example(...lines: string[]): string {
  return `\nExample:\n${lines.map((line) => `  $ ${line}\n`).join('')}`;
}
