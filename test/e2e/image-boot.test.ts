import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { emulatedBoard } from '../../image-build/machine/emulated-board.ts';
import { qemuCommand } from '../../image-build/machine/qemu-command.ts';
import { programPath } from '../../image-build/product/needed-programs.ts';
import { replayCut } from '../image/write-log.ts';
import { repositoryPath } from '../lab/repository.ts';

const SECTOR_BYTES = 512;
const MESSAGE_AT = 0x60;
const MESSAGE = 'the boot sector speaks\r\n';

/**
 * The first sector of a PC's disk: says MESSAGE on the serial line, copies itself to the second sector, and powers off
 * (APM) or, without `powersOff`, waits for ever.
 */
function bootSector(powersOff: boolean): Buffer {
  const sector = Buffer.alloc(SECTOR_BYTES);
  const code = [
    ...[0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xc0, 0xfa, 0xfc], // ax, ds, es = 0
    0x52, // push dx: dl is the drive
    ...[0xbe, MESSAGE_AT, 0x7c], // si = the message
    ...[0xac, 0x84, 0xc0, 0x74, 0x06], // a character; the last one is 0
    ...[0xba, 0xf8, 0x03, 0xee, 0xeb, 0xf5], // to the port of the serial line; again
    ...[0x5a, 0xb6, 0x00], // pop dx; dh = head 0
    ...[0xb8, 0x01, 0x03, 0xb9, 0x02, 0x00, 0xbb, 0x00, 0x7c, 0xcd, 0x13], // write one sector: the second
    ...(powersOff
      ? [
          ...[0xb8, 0x01, 0x53, 0x31, 0xdb, 0xcd, 0x15], // connect to APM
          ...[0xb8, 0x0e, 0x53, 0x31, 0xdb, 0xb9, 0x02, 0x01, 0xcd, 0x15], // version 1.2
          ...[0xb8, 0x07, 0x53, 0xbb, 0x01, 0x00, 0xb9, 0x03, 0x00, 0xcd, 0x15], // off
        ]
      : []),
    ...[0xf4, 0xeb, 0xfd], // halt
  ];
  expect(code.length).toBeLessThan(MESSAGE_AT);
  sector.set(code);
  sector.write(`${MESSAGE}\0`, MESSAGE_AT, 'latin1');
  // One partition, so that it is an image; 0x55aa, so that it is started.
  sector.set([0x80, 0, 2, 0, 0x0c, 0, 2, 0, 1, 0, 0, 0, 1, 0, 0, 0], 446);
  sector.set([0x55, 0xaa], 510);
  return sector;
}

let directory = '';
beforeEach(async (context) => {
  const found = spawnSync('qemu-system-x86_64', ['--version'], {
    env: { ...process.env, PATH: programPath() },
  });
  if (found.status !== 0) context.skip('QEMU is not installed: apt-get install qemu-system-x86');
  directory = await mkdtemp(join(tmpdir(), 'tincan-boot-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function imageThat(powersOff: boolean): Promise<string> {
  const image = join(directory, 'pc.img');
  await writeFile(image, Buffer.concat([bootSector(powersOff), Buffer.alloc(2047 * SECTOR_BYTES)]));
  return image;
}

interface Ended {
  code: number | null;
  output: string;
}

function boot(args: readonly string[], onOutput: (text: string, stop: () => void) => void = () => undefined) {
  const child = spawn(process.execPath, [repositoryPath('dist/tincan.js'), 'image', 'boot', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TMPDIR: directory },
  });
  let output = '';
  let isStopped = false;
  // A second signal is from somebody who does not want to wait for the clean-up.
  const stop = (): void => {
    if (!isStopped) child.kill('SIGTERM');
    isStopped = true;
  };
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      onOutput(output, stop);
    });
  }
  return new Promise<Ended>((resolve) => child.once('close', (code) => resolve({ code, output })));
}

async function digest(file: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(file))
    .digest('hex');
}

/** QEMU processes that have this image open. */
async function machinesOf(image: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  );
  return lines.filter((line) => line.startsWith('qemu-system') && line.includes(image));
}

describe('tincan image boot', () => {
  it('shows the console, ends with the machine, and changes nothing in the image', async () => {
    const image = await imageThat(true);
    const before = await digest(image);
    const { code, output } = await boot([image, '--board', 'q35', '--memory', '128']);
    expect(output).toContain(MESSAGE.trim());
    expect(code).toBe(0);
    expect(await digest(image)).toBe(before);
    expect(await readdir(directory)).toEqual(['pc.img']);
  });

  it('keeps what the machine writes when it is told to', async () => {
    const image = await imageThat(true);
    expect((await boot([image, '--board', 'q35', '--keep'])).code).toBe(0);
    const written = (await readFile(image)).subarray(SECTOR_BYTES, 2 * SECTOR_BYTES);
    expect(written.equals(bootSector(true))).toBe(true);
  });

  it.each(['a signal', 'the time'])('leaves no machine when %s ends it', async (what) => {
    const image = await imageThat(false);
    const { code, output } = await (what === 'the time'
      ? boot([image, '--board', 'q35', '--timeout', '3'])
      : boot([image, '--board', 'q35'], (text, stop) => text.includes(MESSAGE.trim()) && stop()));
    if (what === 'the time') expect(output).toContain('--timeout');
    expect(code).toBe(what === 'the time' ? 0 : 143);
    expect(await machinesOf(image)).toEqual([]);
    expect(await readdir(directory)).toEqual(['pc.img']);
  });

  it.each([
    [['--board', 'pdp11'], /no board "pdp11".*virt/],
    [['--board', 'raspi3b', '--memory', '512'], /1024 MB/],
    [['--memory', '1'], /128 to 65536/],
    [['--forward', '22'], /HOSTPORT:GUESTPORT/],
    [['--timeout', '-1'], /seconds/],
    [['--snapshot', '--keep'], /opposites/],
  ])('refuses %j in one sentence', async (options, sentence) => {
    const image = await imageThat(true);
    const { code, output } = await boot([image, ...options]);
    expect(output).toMatch(sentence);
    expect(output.trim().split('\n')).toHaveLength(1);
    expect(code).toBe(2);
  });

  it('says that an image has no kernel for a board', async () => {
    const { code, output } = await boot([await imageThat(true)]);
    expect(code).toBe(1);
    expect(output).toMatch(/boot partition of .* cannot be read|is no image of Tincan/);
  });
});

describe('what QEMU records of a card', () => {
  it('is what a card that loses its power may keep, or lose', async () => {
    const [card, log] = [await imageThat(true), join(directory, 'log')];
    await writeFile(log, '');
    const [before, lossy] = [join(directory, 'before'), join(directory, 'lossy')];
    await Promise.all([copyFile(card, before), copyFile(card, lossy)]);
    const board = emulatedBoard('q35');
    const disk = { path: card, isSnapshot: false, writeLog: log };
    const fixed = { memoryMb: 128, network: { kind: 'none' }, hasKvm: false, console: 'output' } as const;
    const [program, ...args] = qemuCommand({ board, disk, kernel: null, ...fixed });
    expect(spawnSync(program, args, { stdio: 'ignore', timeout: 60_000 }).status).toBe(0);
    const second = async (file: string) => (await readFile(file)).subarray(SECTOR_BYTES, 2 * SECTOR_BYTES);
    expect((await second(card)).equals(bootSector(true))).toBe(true);

    const all = await replayCut(log, before, () => 1);
    expect(all.writes).toBeGreaterThan(0);
    expect((await readFile(before)).equals(await readFile(card))).toBe(true);
    const { unflushed, lost } = await replayCut(log, lossy, () => 0);
    expect(lost).toBe(unflushed);
    expect((await second(lossy)).equals(Buffer.alloc(SECTOR_BYTES))).toBe(unflushed > 0);
  });
});

describe('without QEMU', () => {
  it('names the package', async () => {
    const image = await imageThat(true);
    const child = spawnSync(
      'unshare',
      [
        '--mount',
        '--user',
        '--map-root-user',
        'sh',
        '-c',
        'mount --bind "$0" /usr/bin/qemu-system-x86_64 && exec "$@"',
        join(directory, 'pc.img'),
        process.execPath,
        repositoryPath('dist/tincan.js'),
        'image',
        'boot',
        image,
        '--board',
        'q35',
      ],
      { encoding: 'utf8' },
    );
    expect(child.stderr).toContain('apt-get install qemu-system-x86');
    expect(child.status).toBe(1);
  });
});
