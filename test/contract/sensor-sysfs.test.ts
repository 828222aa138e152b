/** The Sysfs port: the same suite on the tree in memory and on real files. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buildSync } from 'esbuild';
import { afterEach, describe, expect, it } from 'vitest';
import { LinuxSysfs } from '../../agent/adapters/sysfs.ts';
import { EnvironmentFault } from '../../agent/errors.ts';
import type { Sysfs } from '../../agent/ports/sysfs.ts';
import { FakeSysfs } from '../fakes/fake-sysfs.ts';

interface Tree {
  files: Record<string, string>;
  /** Link -> target, relative to the link's directory. */
  links?: Record<string, string>;
}

const roots: string[] = [];

function realTree({ files, links = {} }: Tree): Sysfs {
  const root = mkdtempSync(join(tmpdir(), 'sysfs-contract-'));
  roots.push(root);
  const place = (path: string) => {
    mkdirSync(dirname(root + path), { recursive: true });
    return root + path;
  };
  for (const [path, text] of Object.entries(files)) writeFileSync(place(path), text);
  for (const [path, target] of Object.entries(links)) symlinkSync(target, place(path));
  return new LinuxSysfs(root);
}

function fakeTree({ files, links = {} }: Tree): Sysfs {
  const fake = new FakeSysfs(files);
  for (const [path, target] of Object.entries(links)) fake.link(path, target);
  return fake;
}

afterEach(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true });
});

describe.each([
  ['FakeSysfs', fakeTree],
  ['LinuxSysfs', realTree],
])('Sysfs contract: %s', (_, tree) => {
  it.each(['/sys/class/thermal/temp', '/proc/loadavg'])(
    'reads %s without what surrounds the text',
    async (path) => {
      expect(await tree({ files: { [path]: ' 48312 1\n\0' } }).read(path)).toBe('48312 1');
    },
  );

  it('reads an empty file as empty text, and a missing one as null', async () => {
    const sysfs = tree({ files: { '/sys/a': '\n', '/sys/file': 'x' } });
    expect(await sysfs.read('/sys/a')).toBe('');
    expect(await sysfs.read('/sys/b')).toBeNull();
    expect(await sysfs.read('/sys/file/under-a-file')).toBeNull();
    expect(await sysfs.read('/proc/b')).toBeNull();
  });

  it('lists names in the order of their numbers, directories and links too', async () => {
    const files = {
      '/sys/class/hwmon10/name': 'x',
      '/sys/class/hwmon2/name': 'y',
      '/sys/devices/z/name': 'z',
    };
    const sysfs = tree({ files, links: { '/sys/class/hwmon9': '../devices/z' } });
    expect(await sysfs.list('/sys/class')).toEqual(['hwmon2', 'hwmon9', 'hwmon10']);
    expect(await sysfs.list('/sys/class/hwmon9')).toEqual(['name']);
    expect(await sysfs.list('/sys/nowhere')).toEqual([]);
  });

  it('reads through links, and tells where they lead', async () => {
    const sysfs = tree({
      files: { '/sys/devices/i2c-1/1-0048/hwmon/hwmon3/name': 'lm75\n' },
      links: {
        '/sys/class/hwmon/hwmon3': '../../devices/i2c-1/1-0048/hwmon/hwmon3',
        '/sys/devices/i2c-1/1-0048/hwmon/hwmon3/device': '../../../1-0048',
      },
    });
    expect(await sysfs.read('/sys/class/hwmon/hwmon3/name')).toBe('lm75');
    expect(await sysfs.resolve('/sys/class/hwmon/hwmon3/device')).toBe('/sys/devices/i2c-1/1-0048');
    expect(await sysfs.resolve('/sys/class/hwmon/hwmon4')).toBeNull();
  });

  it('writes to a file that is there, and makes none', async () => {
    const sysfs = tree({ files: { '/sys/bus/w1/trigger': '0\n' } });
    await sysfs.write('/sys/bus/w1/trigger', '1\n');
    expect(await sysfs.read('/sys/bus/w1/trigger')).toBe('1');
    await expect(sysfs.write('/sys/bus/nothing', '1')).rejects.toMatchObject({ code: 'write-failed' });
    expect(await sysfs.read('/sys/bus/nothing')).toBeNull();
  });

  it('gives nothing to a reader who has given up already', async () => {
    const sysfs = tree({ files: { '/sys/a': '1' } });
    await expect(sysfs.read('/sys/a', AbortSignal.abort(new RangeError('given up')))).rejects.toThrow(
      'given up',
    );
  });

  it('sizes the file system', async () => {
    const { totalBytes, freeBytes } = await tree({ files: { '/sys/a': '1' } }).fileSystem('/sys');
    expect(totalBytes).toBeGreaterThan(0);
    expect(freeBytes).toBeLessThanOrEqual(totalBytes);
  });
});

describe('LinuxSysfs', () => {
  it('turns what the kernel refuses into one sentence', async () => {
    const sysfs = realTree({ files: { '/sys/directory/file': 'x' } });
    const fault = await sysfs.read('/sys/directory').catch((error: unknown) => error);
    expect(fault).toBeInstanceOf(EnvironmentFault);
    expect(fault).toMatchObject({
      code: 'read-failed',
      retryable: true,
      message: 'cannot read /sys/directory (EISDIR): check the wiring and the kernel log of that device',
    });
    await expect(sysfs.fileSystem('/nowhere')).rejects.toMatchObject({ code: 'read-failed' });
  });

  it('serves other sensors while the 1-wire bus hangs', async () => {
    const sysfs = realTree({ files: { '/sys/fine': '1', '/sys/bus/w1/devices/28-1/name': 'x' } });
    const root = roots.at(-1) ?? '';
    const pipes = ['a', 'b', 'c', 'd', 'e'].map((name) => `/sys/bus/w1/devices/${name}`);
    execFileSync(
      'mkfifo',
      pipes.map((path) => root + path),
    );
    const giveUp = new AbortController();
    const hung = pipes.map((path) => sysfs.read(path, giveUp.signal).catch(() => 'given up'));
    expect(await sysfs.read('/sys/fine')).toBe('1');
    giveUp.abort();
    expect(await Promise.all(hung)).toEqual(pipes.map(() => 'given up'));
  });

  it('delays nobody where chips hang, and reads each again once its read has ended', async () => {
    const files = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`/sys/fine${at}/temp`, `${at}`]));
    const sysfs = realTree({ files: { ...files, '/sys/hung1/name': 'x', '/sys/hung2/name': 'x' } });
    const root = roots.at(-1) ?? '';
    // Opening a pipe that nobody writes to blocks in the kernel, as reading a broken chip does.
    const pipes = ['/sys/hung1/temp', '/sys/hung2/temp'];
    execFileSync(
      'mkfifo',
      pipes.map((path) => root + path),
    );
    const giveUp = new AbortController();
    const hung = pipes.map((path) => sysfs.read(path, giveUp.signal).catch((error: Error) => error.message));
    const fine = Object.keys(files).map((path) => sysfs.read(path));
    expect(await Promise.all(fine)).toEqual(Object.values(files));
    giveUp.abort(new RangeError('given up'));
    expect(await Promise.all(hung)).toEqual(['given up', 'given up']);
    // A pipe lets its reader be killed, which a chip may not.
    await expect.poll(() => sysfs.read('/sys/hung1/name').catch(() => null), { timeout: 10_000 }).toBe('x');
    expect(await sysfs.read('/sys/fine7/temp')).toBe('7');
  });

  it('does not keep the agent from ending while a chip hangs', async () => {
    const root = mkdtempSync(join(tmpdir(), 'sysfs-contract-'));
    roots.push(root);
    mkdirSync(`${root}/sys`);
    execFileSync('mkfifo', [`${root}/sys/hung`]);
    const program = `
      import { LinuxSysfs } from './agent/adapters/sysfs.ts';
      new LinuxSysfs('${root}').read('/sys/hung');
      setTimeout(() => process.exit(7), 300);`;
    const outfile = `${root}/agent.mjs`;
    const stdin = { contents: program, resolveDir: new URL('../..', import.meta.url).pathname };
    buildSync({ stdin, outfile, bundle: true, format: 'esm', platform: 'node' });
    const agent = spawnSync(process.execPath, [outfile], { timeout: 20_000 });
    expect(agent.status).toBe(7);
  });
});
