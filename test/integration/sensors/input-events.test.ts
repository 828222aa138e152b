/** The waiting process on a pipe in place of a device, which blocks in the same way. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LinuxInputEvents } from '../../../agent/adapters/input-events.ts';
import { DiskTextFiles } from '../../../agent/adapters/text-files.ts';
import { eventBytes } from '../../fakes/fake-input-events.ts';

let directory: string;
let pipe: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tincan-input-'));
  pipe = join(directory, 'event0');
  spawnSync('mkfifo', [pipe]);
});
afterEach(() => rmSync(directory, { recursive: true }));

describe('input devices', () => {
  it('are followed until they are closed', async () => {
    // Open for reading too, so that nobody waits for the other end.
    const device = openSync(pipe, 'r+');
    const received: Uint8Array[] = [];
    let ended = false;
    const { close } = await new LinuxInputEvents().follow(
      pipe,
      (bytes) => received.push(bytes),
      () => {
        ended = true;
      },
    );
    writeSync(device, eventBytes(1, 116, 1));
    await expect.poll(() => Buffer.concat(received).length, { timeout: 10_000 }).toBe(24);
    close();
    expect(ended).toBe(false);
  });

  it('are refused with one sentence where there is none', async () => {
    const following = new LinuxInputEvents().follow(
      join(directory, 'event9'),
      () => {},
      () => {},
    );
    await expect(following).rejects.toMatchObject({
      code: 'device-gone',
      message: expect.stringContaining('event9'),
    });
  });
});

describe('recordings on disk', () => {
  it('are ordinary files only, and bounded', async () => {
    const files = new DiskTextFiles();
    await expect(files.read(pipe)).rejects.toMatchObject({
      message: expect.stringContaining('no ordinary file'),
    });
    await expect(files.read('/dev/zero')).rejects.toThrow('no ordinary file');
    await expect(files.read(join(directory, 'none'))).rejects.toMatchObject({ code: 'no-file' });
    const large = join(directory, 'large');
    spawnSync('truncate', ['-s', '20M', large]);
    await expect(files.read(large)).rejects.toMatchObject({ code: 'file-too-large' });
  });
});
