/** `tincan image flash`: an image onto a card, checked before, read back after, and with a claim put in where one is given. */
import { type FileHandle, rm, stat } from 'node:fs/promises';
import { Refusal, UsageError } from '../../agent/errors.ts';
import { BOOT_HEAD_BYTES, findBootPartition } from './boot-partition.ts';
import type { CardFiles } from './card-files.ts';
import { openTarget, writeCard } from './card-writer.ts';
import { type ImageFile, openImageFile, readHead, readImage } from './image-file.ts';
import { type CardSurroundings, type PersonalisedCard, personalise } from './personalise.ts';
import { checkTarget, gigabytes, type Permissions } from './target-check.ts';

export interface FlashJob {
  image: string;
  target: string;
  /** Put onto the card after it was written and read back. */
  card: CardFiles | null;
  permissions: Permissions;
  /** Asks the owner, with what will be lost; false: nothing is done. */
  confirm(what: string): Promise<boolean>;
  onWritten(bytes: number, ofBytes: number): void;
  onVerified(bytes: number, ofBytes: number): void;
}

export interface FlashedCard {
  target: string;
  bytes: number;
  sha256: string;
  personalised: PersonalisedCard | null;
}

/** Throws what the checks, the writing and the personalising throw; before `confirm` nothing is changed. */
export async function flash(job: FlashJob, around: CardSurroundings): Promise<FlashedCard> {
  const image = await openImageFile(job.image);
  findBootPartition(job.image, await readHead(image, BOOT_HEAD_BYTES), image.sizeBytes);
  const target = await inspectTarget(job, image, around);
  if (target.loses !== null && !(await job.confirm(target.loses))) {
    throw new Refusal('not-confirmed', `nothing was written to ${job.target}`);
  }
  // Open to the end: a desktop would mount the card between writing and personalising.
  const file = await openTarget(job.target, target.isBlockDevice);
  try {
    const sha256 = await write(file, job, image, target, around);
    const personalised =
      job.card === null ? null : await personalise(job.target, job.card, undefined, around);
    return { target: job.target, bytes: image.sizeBytes, sha256, personalised };
  } finally {
    await file.close();
  }
}

interface Target {
  isBlockDevice: boolean;
  isNew: boolean;
  /** In words; null where nothing is lost. */
  loses: string | null;
}

async function inspectTarget(
  job: FlashJob,
  image: ImageFile,
  { devices }: CardSurroundings,
): Promise<Target> {
  const { target, permissions } = job;
  const device = await devices.at(target);
  if (device) {
    checkTarget(target, device, image.sizeBytes, permissions);
    const what = [device.model, gigabytes(device.sizeBytes)].filter((word) => word !== null).join(', ');
    return { isBlockDevice: true, isNew: false, loses: `everything on ${target} (${what})` };
  }
  const status = await stat(target).catch(() => null);
  if (status && !status.isFile())
    throw new UsageError(`${target} is neither a disk nor a file: name the card, or a file`);
  if (!status && target.startsWith('/dev/')) {
    throw new UsageError(`there is no disk ${target}: see "lsblk" for the card's name`);
  }
  return { isBlockDevice: false, isNew: !status, loses: status ? `the file ${target}` : null };
}

async function write(
  file: FileHandle,
  job: FlashJob,
  image: ImageFile,
  target: Target,
  { signal }: CardSurroundings,
): Promise<string> {
  try {
    return await writeCard(file, {
      openSource: () => readImage(image),
      sizeBytes: image.sizeBytes,
      target: job.target,
      isBlockDevice: target.isBlockDevice,
      signal,
      onWritten: (bytes) => job.onWritten(bytes, image.sizeBytes),
      onVerified: (bytes) => job.onVerified(bytes, image.sizeBytes),
    });
  } catch (error) {
    if (target.isNew) await rm(job.target, { force: true });
    throw error;
  }
}
