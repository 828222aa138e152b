/** What a card can do to who writes it: no space, other bytes than were written, an image that changes meanwhile. */
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../agent/adapters/system-clock.ts';
import { openTarget, type WriteJob, writeCard } from '../../../image-build/card/card-writer.ts';
import { flash } from '../../../image-build/card/flash.ts';
import { LinuxBlockDevices } from '../../../image-build/card/linux-block-devices.ts';
import { imageToolsProblem, makeBaseImage } from '../../fakes/base-image.ts';

const BYTES = 3 * 1024 * 1024 + 512;
const IMAGE = Buffer.alloc(BYTES, 'tincan ');
let directory: string;
let target: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tincan-writer-'));
  target = join(directory, 'card');
  writeFileSync(target, Buffer.alloc(BYTES, 1));
});
afterEach(() => rmSync(directory, { recursive: true }));

async function written(more: Partial<WriteJob> = {}): Promise<string> {
  const file = await openTarget(target, false);
  try {
    return await writeCard(file, {
      openSource: () => Readable.from([IMAGE.subarray(0, 700_000), IMAGE.subarray(700_000)]),
      sizeBytes: BYTES,
      target,
      isBlockDevice: false,
      signal: new AbortController().signal,
      onWritten: () => undefined,
      onVerified: () => undefined,
      ...more,
    });
  } finally {
    await file.close();
  }
}

const startsNothing = () => readFileSync(target).subarray(0, 512).equals(Buffer.alloc(512));

describe('writing a card', () => {
  it('gives it the very bytes', async () => {
    await written();
    expect(readFileSync(target).equals(IMAGE)).toBe(true);
  });

  it.each([1, 1_500_000, BYTES - 1])(
    'notices that it gives back another byte at %i, and blanks it',
    async (at) => {
      const forget = (bytes: number): void => {
        if (bytes !== BYTES) return;
        const card = openSync(target, 'r+');
        // The head is written after everything else: what is wrong there is so when it is read back.
        writeSync(card, Buffer.from('?'), 0, 1, Math.max(at, 1024 * 1024));
        closeSync(card);
      };
      await expect(written({ onWritten: forget })).rejects.toMatchObject({
        code: 'verify-failed',
        message: expect.stringContaining('gave back other bytes than were written'),
      });
      expect(startsNothing()).toBe(true);
    },
  );

  it.each([
    ['shorter', BYTES + 1, /the image ended after/],
    ['longer', BYTES - 1, /the image became larger/],
  ])('blanks it where the image is %s than it was', async (_, sizeBytes, words) => {
    await expect(written({ sizeBytes })).rejects.toThrow(words);
    expect(startsNothing()).toBe(true);
  });
});

const mayMount = process.platform === 'linux' && process.getuid?.() === 0;

describe.skipIf(!mayMount || imageToolsProblem() !== null)('a disk that is full', () => {
  it('is told in a sentence, and nothing of a new file stays', async () => {
    const image = join(directory, 'base.img');
    makeBaseImage(image);
    const small = join(directory, 'small');
    mkdirSync(small);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tincan-test', small]);
    try {
      const job = {
        image,
        target: join(small, 'card.img'),
        card: null,
        permissions: { anySize: false, fixedDisk: false },
        confirm: async () => true,
        onWritten: () => undefined,
        onVerified: () => undefined,
      };
      const around = {
        devices: new LinuxBlockDevices(),
        signal: new AbortController().signal,
        clock: systemClock,
      };
      await expect(flash(job, around)).rejects.toThrow(/writing .*card\.img failed \(it is full\)/);
      expect(existsSync(job.target)).toBe(false);
    } finally {
      execFileSync('umount', [small]);
    }
  });
});
