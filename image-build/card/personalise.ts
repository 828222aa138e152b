/** `tincan image personalise`: what the owner says becomes the files of tincan/ on a card, an image, or one image for each device. */
import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { openDiskFileStore } from '../../agent/adapters/disk-file-store.ts';
import { makeDirectory } from '../../agent/adapters/durable-directory.ts';
import { EnvironmentFault, sentenceOf, UsageError } from '../../agent/errors.ts';
import type { Clock } from '../../agent/ports/clock.ts';
import { FleetDirectory } from '../../provisioning/fleet/fleet-directory.ts';
import type { BlockDevices } from './block-devices.ts';
import { BootPartition, type ImageFacts } from './boot-partition.ts';
import { type CardFiles, cardFiles, checkAgainstFleet } from './card-files.ts';
import { readDeviceSheet, type SheetRow } from './device-sheet.ts';
import { withCopy } from './image-copy.ts';
import { type ImageFile, openImageFile } from './image-file.ts';
import { checkTarget } from './target-check.ts';

export interface CardOptions {
  claim?: string;
  wifi?: string;
  wifiPasswordFile?: string;
  wifiCountry?: string;
  sshKey?: string;
  hostname?: string;
  fleet?: string;
}

export interface CardSurroundings {
  devices: BlockDevices;
  clock: Clock;
  signal: AbortSignal;
}

/** What became of one card, for people and for --json. */
export interface PersonalisedCard {
  /** Null without a claim. */
  device: string | null;
  fleet: string | null;
  file: string;
  image: ImageFacts;
  files: string[];
}

const MOST_FILE_BYTES = 64 * 1024;

/** Reads and checks everything that goes onto a card. Throws UsageError and Refusal; nothing is written. */
export async function readCard(options: CardOptions, clock: Clock): Promise<CardFiles> {
  const { claim, wifi, wifiPasswordFile, wifiCountry, sshKey, hostname, fleet } = options;
  if (claim === undefined) requireUseWithoutClaim(options);
  if (wifi === undefined && (wifiPasswordFile ?? wifiCountry) !== undefined) {
    throw new UsageError(
      '--wifi-password-file and --wifi-country belong to --wifi: give the name of the network, too',
    );
  }
  const password =
    wifiPasswordFile === undefined ? null : firstLine(await textOf(wifiPasswordFile, 'Wi-Fi password'));
  const wishes = {
    claim: claim === undefined ? null : await bytesOf(claim, 'claim'),
    wifi: wifi === undefined ? null : { ssid: wifi, password, country: wifiCountry ?? null },
    sshKeys: sshKey === undefined ? null : await textOf(sshKey, 'SSH key'),
    hostname: hostname ?? null,
  };
  return checked(wishes, fleet, clock);
}

/** Without a claim there is what all devices of a fleet share: the image is personalised again, for each of them. */
function requireUseWithoutClaim({ wifi, sshKey, hostname, fleet }: CardOptions): void {
  const advice = 'give the file of "tincan fleet add" with --claim';
  if (fleet !== undefined)
    throw new UsageError(`--fleet is compared with a claim, and there is none: ${advice}`);
  if ([wifi, sshKey, hostname].every((wish) => wish === undefined)) {
    throw new UsageError(`there is no claim: ${advice}`);
  }
}

async function checked(wishes: Parameters<typeof cardFiles>[0], fleet: string | undefined, clock: Clock) {
  const card = cardFiles(wishes, clock.wallMs());
  if (fleet !== undefined && card.claim)
    await checkAgainstFleet(card.claim, await FleetDirectory.open(openDiskFileStore(fleet)));
  return card;
}

/** Puts the files onto `base` itself, an image or a card, or onto a copy of it. */
export async function personalise(
  base: string,
  card: CardFiles,
  out: string | undefined,
  { devices, signal }: CardSurroundings,
): Promise<PersonalisedCard> {
  const device = await devices.at(base);
  if (device) {
    if (out !== undefined)
      throw new UsageError(`--out copies an image, and ${base} is a disk: leave it away`);
    // Size and kind do not matter to who writes four small files into a partition of ours.
    checkTarget(base, device, 0, { anySize: true, fixedDisk: true });
    return writeInto(base, base, device.sizeBytes, card);
  }
  const image = await openImageFile(base);
  if (out !== undefined) return copyInto(image, out, card, signal);
  if (image.isCompressed) {
    throw new UsageError(`${base} is compressed and cannot be written into: name a copy with --out FILE.img`);
  }
  return writeInto(base, base, image.sizeBytes, card);
}

async function copyInto(image: ImageFile, out: string, card: CardFiles, signal: AbortSignal) {
  if (/\.xz$/.test(out))
    throw new UsageError(`--out ${out} would not be compressed: name a file that ends in .img`);
  if (!image.isCompressed) await (await BootPartition.open(image.path, image.sizeBytes)).facts();
  return withCopy(image, out, signal, (copy) => writeInto(copy, out, image.sizeBytes, card));
}

async function writeInto(
  path: string,
  name: string,
  sizeBytes: number,
  card: CardFiles,
): Promise<PersonalisedCard> {
  const boot = await openBoot(path, sizeBytes);
  const image = await boot.facts();
  await boot.write(card.files);
  const { device = null, fleetName: fleet = null } = card.claim ?? {};
  return { device, fleet, file: name, image, files: [...card.files.keys()] };
}

async function openBoot(path: string, sizeBytes: number): Promise<BootPartition> {
  try {
    return await BootPartition.open(path, sizeBytes);
  } catch (error) {
    const errno = error instanceof Error && 'code' in error ? error.code : '';
    if (errno !== 'EACCES' && errno !== 'EPERM') throw error;
    throw new EnvironmentFault('not-permitted', `writing to ${path} is not permitted: run this with sudo`, {
      cause: error,
    });
  }
}

/** One image for each line of a sheet, in `outDirectory`, named after the device. All lines are checked before the first is written. */
export async function personaliseSheet(
  base: string,
  sheet: string,
  outDirectory: string,
  fleet: string | undefined,
  around: CardSurroundings,
  onCard: (card: PersonalisedCard) => void,
): Promise<void> {
  const rows = readDeviceSheet(sheet, await textOf(sheet, 'sheet'));
  const image = await openImageFile(base);
  const cards = [];
  for (const row of rows) cards.push(await cardOfRow(row, sheet, fleet, around.clock));
  await makeDirectory(resolve(outDirectory));
  for (const { name, card } of cards) {
    around.signal.throwIfAborted();
    onCard(await copyInto(image, join(outDirectory, `${name}.img`), card, around.signal));
  }
}

/** Paths in a sheet are from the sheet's own folder. */
async function cardOfRow(row: SheetRow, sheet: string, fleet: string | undefined, clock: Clock) {
  const near = (path: string) => resolve(dirname(sheet), path);
  try {
    const password =
      row.wifi_password_file === null
        ? row.wifi_password
        : firstLine(await textOf(near(row.wifi_password_file), 'Wi-Fi password'));
    const wishes = {
      claim: await bytesOf(near(row.claim), 'claim'),
      wifi: row.wifi === null ? null : { ssid: row.wifi, password, country: row.wifi_country },
      sshKeys: row.ssh_key === null ? null : await textOf(near(row.ssh_key), 'SSH key'),
      hostname: row.hostname,
    };
    const card = await checked(wishes, fleet, clock);
    if (card.claim?.device !== row.device) {
      throw new UsageError(`its claim is for ${card.claim?.device}`);
    }
    return { name: row.device, card };
  } catch (error) {
    throw new UsageError(`the device ${row.device} in ${sheet}: ${sentenceOf(error)}`, { cause: error });
  }
}

async function bytesOf(path: string, what: string): Promise<Buffer> {
  try {
    const bytes = await readFile(path);
    if (bytes.length <= MOST_FILE_BYTES) return bytes;
    throw new Error(`it has ${bytes.length} bytes, and ${MOST_FILE_BYTES} are possible`);
  } catch (error) {
    throw new UsageError(`cannot read the ${what} ${path}: ${sentenceOf(error)}`, { cause: error });
  }
}

async function textOf(path: string, what: string): Promise<string> {
  const bytes = await bytesOf(path, what);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new UsageError(`the ${what} ${path} is not UTF-8 text: save it as that`, { cause });
  }
}

function firstLine(text: string): string {
  return text.split(/\r?\n/)[0] ?? '';
}
