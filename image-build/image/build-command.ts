/** `tincan image build`: options, help, and what is printed. */
import { readFile, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import * as v from 'valibot';
import { makeDirectory } from '../../agent/adapters/durable-directory.ts';
import { productVersion } from '../../agent/adapters/product-version.ts';
import { systemClock } from '../../agent/adapters/system-clock.ts';
import type { CliIo } from '../../agent/cli/cli-io.ts';
import { UsageError } from '../../agent/errors.ts';
import { LinuxBlockDevices } from '../card/linux-block-devices.ts';
import { type CardOptions, personalise, readCard } from '../card/personalise.ts';
import { type Board, boardNamed, boardNames } from './board.ts';
import { type BuildRequest, type BuildResult, buildImage } from './build-image.ts';
import { BuildProgress } from './build-progress.ts';
import { DEFAULT_MIRROR } from './debian-step.ts';
import { type PackageLock, readLock } from './package-lock.ts';

interface BuildOptions extends CardOptions {
  board: string;
  out: string;
  cache?: string;
  mirror: string;
  locked?: string;
  refresh?: boolean;
  debs?: string;
  json?: boolean;
}

/** Where the sources are, seen from dist/ and from image-build/image/. */
const SOURCES = fileURLToPath(
  new URL(import.meta.url.endsWith('/build-command.ts') ? '../..' : '..', import.meta.url),
);

/** Adds the command; `withCardOptions` adds the owner's options, which other commands have as well. */
export function registerBuild(
  image: Command,
  withCardOptions: (command: Command) => Command,
  io: CliIo,
): void {
  withCardOptions(image.command('build'))
    .summary('make an image of Debian packages and Tincan')
    .description(
      'Makes a bootable image. A fleet makes one without a claim and puts the claims in with "tincan image personalise".',
    )
    .requiredOption('--board <name>', `one of ${boardNames.join(', ')}`)
    .requiredOption('--out <file>', 'the image: FILE.img, or FILE.img.xz')
    .option('--cache <directory>', 'packages and finished steps (default: ~/.cache/tincan-image)')
    .option('--mirror <url>', 'Debian mirror', DEFAULT_MIRROR)
    .option('--locked <file>', 'take exactly the packages that this FILE.packages.json names')
    .option('--refresh', 'look for newer Debian packages')
    .option('--debs <directory>', 'take the packages of Tincan from here; "npm run deb" makes them')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nExample:\n  $ tincan image build --board rpi-arm64 --out base.img.xz\n  $ tincan image build --board rpi-arm64 --claim greenhouse.claim.json --wifi "My network" \\\n      --wifi-password-file wifi.password --out greenhouse.img\n',
    )
    .action((options: BuildOptions) => runBuild(options, io));
}

async function runBuild(options: BuildOptions, io: CliIo): Promise<void> {
  const board = boardNamed(options.board);
  checkOut(options.out);
  checkMirror(options.mirror);
  const cache =
    options.cache ?? join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'tincan-image');
  const card = wantsCard(options) ? await readCard(options, systemClock) : null;
  const lock = options.locked === undefined ? null : await readLock(options.locked, board.name);
  const epoch = await epochOf(board, lock, cache, options.refresh ?? false);
  const around = { devices: new LinuxBlockDevices(), clock: systemClock, signal: io.signal };
  const progress = new BuildProgress(io, systemClock);
  const request: BuildRequest = {
    board,
    out: options.out,
    cache,
    mirror: options.mirror.replace(/\/$/, ''),
    lock,
    epoch,
    debDirectory: options.debs ?? null,
    sources: SOURCES,
    version: productVersion,
    personalise: async (image) => {
      if (card) await personalise(image, card, undefined, around);
    },
  };
  try {
    const result = await buildImage(request, { ...around, ...progress.handlers });
    tell(result, options.json ?? false, io);
  } finally {
    progress.end();
  }
}

function tell(result: BuildResult, asJson: boolean, io: CliIo): void {
  if (asJson) {
    io.out(`${JSON.stringify(result)}\n`);
    return;
  }
  io.out(`${result.image}\n${result.lockFile}: for --locked\n${result.bill}: CycloneDX\n`);
  if (result.rootArchive !== null) io.out(`${result.rootArchive}: the root alone\n`);
}

function checkOut(out: string): void {
  if (/\.img(\.xz)?$/.test(out)) return;
  throw new UsageError(`--out ${out} does not say what it is: name a file that ends in .img or .img.xz`);
}

function checkMirror(mirror: string): void {
  if (/^https?:$/.test(URL.parse(mirror)?.protocol ?? '') && !/\s/.test(mirror)) return;
  throw new UsageError(`--mirror "${mirror}" is no address: give one like ${DEFAULT_MIRROR}`);
}

function wantsCard(options: CardOptions): boolean {
  const { claim, wifi, wifiPasswordFile, wifiCountry, sshKey, hostname, fleet } = options;
  return [claim, wifi, wifiPasswordFile, wifiCountry, sshKey, hostname, fleet].some(
    (wish) => wish !== undefined,
  );
}

const ChosenSchema = v.strictObject({ epoch: v.pipe(v.number(), v.integer(), v.minValue(1)) });

/**
 * The time that the image's files have: the lock's, SOURCE_DATE_EPOCH, or when this board's packages were last chosen,
 * so that another build of the same packages gives the same bytes.
 */
async function epochOf(
  board: Board,
  lock: PackageLock | null,
  cache: string,
  refresh: boolean,
): Promise<number> {
  if (lock) return lock.epoch;
  const given = process.env['SOURCE_DATE_EPOCH'];
  if (given !== undefined && given !== '') {
    if (/^[1-9]\d{0,10}$/.test(given)) return Number(given);
    throw new UsageError(`SOURCE_DATE_EPOCH is "${given}", and seconds since 1970 are meant`);
  }
  const file = join(cache, `chosen-${board.name}.json`);
  if (!refresh) {
    const text = await readFile(file, 'utf8').catch(() => null);
    const chosen = text === null ? null : v.safeParse(ChosenSchema, parsed(text));
    if (chosen?.success) return chosen.output.epoch;
  }
  const epoch = Math.floor(systemClock.wallMs() / 1000);
  await makeDirectory(cache);
  await writeFile(file, `${JSON.stringify({ epoch })}\n`);
  return epoch;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
