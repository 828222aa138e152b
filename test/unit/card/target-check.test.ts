/** Which disks an image may be written over: the real rules over a small /sys. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { Refusal } from '../../../agent/errors.ts';
import { LinuxBlockDevices } from '../../../image-build/card/linux-block-devices.ts';
import { checkTarget } from '../../../image-build/card/target-check.ts';
import { type FakeDisk, FakeKernelFiles } from '../../fakes/kernel-files.ts';

const GB = 1e9;
const IMAGE_BYTES = 2 * GB;
const CARD: FakeDisk = {
  name: 'sdb',
  numbers: '8:16',
  bytes: 32 * GB,
  removable: true,
  model: 'SD/MMC Reader',
  parts: [
    { name: 'sdb1', numbers: '8:17' },
    { name: 'sdb2', numbers: '8:18' },
  ],
};

interface Said {
  disk?: Partial<FakeDisk>;
  mounts?: string[];
  swaps?: string[];
  others?: FakeDisk[];
  path?: string;
  anySize?: boolean;
  fixedDisk?: boolean;
}

/** The reason that speaks against it, or null. */
async function against({ disk, mounts, swaps, others = [], path = '/dev/sdb', ...may }: Said) {
  const files = new FakeKernelFiles([{ ...CARD, ...disk }, ...others], mounts, swaps);
  onTestFinished(() => files.remove());
  const device = await new LinuxBlockDevices(files).at(path);
  if (!device) throw new Error('there is no such device');
  try {
    checkTarget(path, device, IMAGE_BYTES, { anySize: false, fixedDisk: false, ...may });
    return null;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    expect(error.message).toContain(path);
    return error.reason;
  }
}

const mount = (numbers: string, target: string, source = '/dev/x') =>
  `${numbers} / ${target} rw,relatime shared:1 - ext4 ${source} rw`;

describe('checkTarget', () => {
  it('takes a card that nobody uses', async () => {
    expect(await against({})).toBeNull();
    expect(await against({ mounts: [mount('8:1', '/')] })).toBeNull();
  });

  it.each<[string, Said]>([
    ['partition', { path: '/dev/sdb1' }],
    ['system-disk', { mounts: [mount('8:18', '/')] }],
    ['system-disk', { mounts: [mount('8:17', '/boot/firmware')] }],
    ['system-disk', { mounts: [mount('8:16', '/home')] }],
    ['system-disk', { swaps: ['/dev/sdb2 partition 1000 0 -2'] }],
    ['disk-in-use', { mounts: [mount('8:17', '/media/me/RASPIFIRM')] }],
    ['disk-in-use', { mounts: [mount('8:17', '/media/me/with\\040space')] }],
    ['disk-in-use', { disk: { holders: ['md0'] } }],
    ['read-only', { disk: { readOnly: true } }],
    ['too-small', { disk: { bytes: GB } }],
    ['too-small', { disk: { bytes: 0 } }],
    ['too-large', { disk: { bytes: 512 * GB } }],
    ['not-removable', { disk: { removable: false } }],
    ['not-removable', { disk: { removable: false, kind: 'MMC' } }],
  ])('refuses: %s (%j)', async (reason, said) => {
    expect(await against(said)).toBe(reason);
  });

  it('sees a system on a volume that lies on a partition', async () => {
    const onVolume: FakeDisk = {
      ...CARD,
      parts: [{ name: 'sdb1', numbers: '8:17', holders: ['dm-0'] }],
    };
    const volume: FakeDisk = { name: 'dm-0', numbers: '253:0', bytes: GB };
    expect(await against({ disk: onVolume, others: [volume], mounts: [mount('253:0', '/')] })).toBe(
      'system-disk',
    );
    expect(await against({ disk: onVolume, others: [volume] })).toBe('disk-in-use');
  });

  it('knows btrfs, whose mounts have numbers of their own, by its path', async () => {
    expect(await against({ mounts: [mount('0:31', '/', '/dev/sdb2')] })).toBe('system-disk');
  });

  it('does what it is told', async () => {
    expect(await against({ disk: { bytes: 512 * GB }, anySize: true })).toBeNull();
    expect(await against({ disk: { removable: false }, fixedDisk: true })).toBeNull();
    expect(await against({ disk: { removable: false, kind: 'SD' } })).toBeNull();
    expect(await against({ mounts: [mount('8:18', '/')], anySize: true, fixedDisk: true })).toBe(
      'system-disk',
    );
  });

  it('has names for people', async () => {
    const files = new FakeKernelFiles([CARD]);
    onTestFinished(() => files.remove());
    const devices = new LinuxBlockDevices(files);
    expect(await devices.at('/dev/sdb')).toMatchObject({ name: 'sdb', model: 'SD/MMC Reader', uses: [] });
    expect(await devices.at('/home/me/card.img')).toBeNull();
  });
});
