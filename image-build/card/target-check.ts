/** Whether an image may be written over a disk: everything that speaks against it, before anything is touched. */
import { Refusal } from '../../agent/errors.ts';
import type { BlockDevice } from './block-devices.ts';

/** A card is smaller; what is larger is rather somebody's disk. */
export const SANE_SIZE_BYTES = 256e9;

export interface Permissions {
  anySize: boolean;
  fixedDisk: boolean;
}

/**
 * Throws Refusal: `partition`, `system-disk`, `disk-in-use`, `read-only`, `too-small`, `too-large`, `not-removable`.
 */
export function checkTarget(path: string, device: BlockDevice, imageBytes: number, may: Permissions): void {
  const refuse = (reason: string, why: string, advice: string): never => {
    throw new Refusal(reason, `${path} ${why}: ${advice}`);
  };
  if (device.partitionOf !== null) {
    refuse(
      'partition',
      `is a partition of ${device.partitionOf}`,
      `name the whole card, /dev/${device.partitionOf}`,
    );
  }
  const [system] = device.uses.filter(({ isSystem }) => isSystem);
  if (system)
    refuse('system-disk', `is a disk that this computer runs from (${system.what})`, 'name the card');
  const [use] = device.uses;
  if (use) refuse('disk-in-use', `is in use (${use.what})`, 'unmount it first, or name another card');
  if (device.isReadOnly)
    refuse('read-only', 'is read-only', 'move the lock of the card, or try another reader');
  if (device.sizeBytes === 0) refuse('too-small', 'has no card in it', 'put one in');
  if (device.sizeBytes < imageBytes) {
    refuse(
      'too-small',
      `has ${gigabytes(device.sizeBytes)} and the image needs ${gigabytes(imageBytes)}`,
      'take a larger card',
    );
  }
  if (device.sizeBytes > SANE_SIZE_BYTES && !may.anySize) {
    refuse(
      'too-large',
      `has ${gigabytes(device.sizeBytes)}, which is more than a card has`,
      'if it is the right one, add --any-size',
    );
  }
  if (!device.isRemovable && !may.fixedDisk) {
    refuse('not-removable', 'is built in, and no card or stick', 'if it is the right one, add --fixed-disk');
  }
}

/** Decimal, as cards are sold. */
export function gigabytes(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.ceil(bytes / 1e6)} MB`;
}
