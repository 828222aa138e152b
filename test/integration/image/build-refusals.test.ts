/** What `tincan image build` refuses before it begins to make anything: each with the sentence that says what to do. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { runCli } from '../../../agent/cli/run-cli.ts';
import { boardNamed } from '../../../image-build/image/board.ts';
import { packagesIn } from '../../../image-build/image/own-packages.ts';
import { runImageCli } from '../../../image-build/image.ts';
import { RecordedIo } from '../../fakes/recorded-io.ts';

let directory: string;
const at = (...names: string[]) => join(directory, ...names);

async function build(...args: string[]): Promise<{ code: number; stderr: string }> {
  const io = new RecordedIo();
  const given = ['--out', at('a.img'), '--cache', at('cache'), ...args];
  const code = await runImageCli(['image', 'build', ...given], io);
  return { code, stderr: io.stderr };
}

async function fleet(...args: string[]): Promise<void> {
  const io = new RecordedIo();
  expect(await runCli(['fleet', ...args], io), io.stderr).toBe(0);
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tincan-build-'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  expect(
    readdirSync(directory).filter((name) => name.includes('a.img')),
    'no image was begun',
  ).toEqual([]);
  rmSync(directory, { recursive: true });
});

describe('tincan image build refuses', () => {
  const wrong: ReadonlyArray<[what: string, args: string[], sentence: RegExp]> = [
    ['a board that is none', ['--board', 'rpi-armhf'], /no board "rpi-armhf"; choose one of: rpi-arm64 \(/],
    ['a file that is no image', ['--board', 'rpi-arm64', '--out', 'a.iso'], /ends in \.img or \.img\.xz/],
    ['a mirror that is no address', ['--board', 'rpi-arm64', '--mirror', 'a b'], /give one like http/],
    ['a fleet without a claim of it', ['--board', 'rpi-arm64', '--fleet', '.'], /compared with a claim/],
    [
      'a password without its network',
      ['--board', 'rpi-arm64', '--wifi-country', 'DE'],
      /there is no claim|belong to --wifi/,
    ],
    ['a claim that is missing', ['--board', 'rpi-arm64', '--claim', '/nope'], /cannot read the claim/],
    ['a lock that is missing', ['--board', 'rpi-arm64', '--locked', '/nope'], /list of locked packages/],
    [
      'a name of a network that is too long',
      ['--board', 'rpi-arm64', '--wifi', `${'ü'.repeat(16)}x`],
      /33 bytes/,
    ],
  ];
  it.each(wrong)('%s', async (_what, args, sentence) => {
    const { code, stderr } = await build(...args);
    expect(stderr).toMatch(sentence);
    expect(code).toBe(2);
    expect(existsSync(at('cache', 'steps'))).toBe(false);
  });

  it('a lock of another board', async () => {
    const lock = { board: 'generic-x86_64', suite: 'trixie', epoch: 1, packages: [] };
    writeFileSync(at('x86.packages.json'), JSON.stringify(lock));
    const { code, stderr } = await build('--board', 'rpi-arm64', '--locked', at('x86.packages.json'));
    expect(stderr).toContain('locks the packages of board generic-x86_64, and the image is for rpi-arm64');
    expect(code).toBe(2);
  });

  it('a claim of another fleet', async () => {
    await fleet('init', at('home'), '--name', 'home', '--broker', 'mqtt://127.0.0.1');
    await fleet('init', at('other'), '--name', 'home', '--broker', 'mqtt://127.0.0.1');
    await fleet('add', at('home'), 'attic', '--claim', at('attic.claim.json'));
    const { code, stderr } = await build(
      ...['--board', 'rpi-arm64', '--claim', at('attic.claim.json'), '--fleet', at('other')],
    );
    expect(stderr).toMatch(/for fleet home \(.*\) and not for home \(.*give a claim of this fleet/);
    expect(code).not.toBe(0);
  });

  it('a machine without the programs, and names the packages that bring them', async () => {
    vi.stubEnv('PATH', at('empty'));
    const { code, stderr } = await build('--board', 'rpi-arm64');
    expect(stderr).toMatch(/apt-get install .*mmdebstrap mtools .*squashfs-tools/);
    expect(code).toBe(1);
  });
});

describe('packages of Tincan that are given', () => {
  const board = boardNamed('rpi-arm64');
  const { signal } = new AbortController();
  const take = () => packagesIn(at('debs'), board, signal);

  function makePackage(name: string, architecture: string, file: string): void {
    mkdirSync(at('tree', 'DEBIAN'), { recursive: true });
    const fields = { Package: name, Version: '1', Architecture: architecture, Maintainer: 'a <a@b.example>' };
    const control = Object.entries({ ...fields, Description: 'a' }).map(([key, text]) => `${key}: ${text}\n`);
    writeFileSync(at('tree', 'DEBIAN', 'control'), control.join(''));
    execFileSync('dpkg-deb', ['--build', '--root-owner-group', at('tree'), at('debs', file)]);
  }

  beforeEach(() => mkdirSync(at('debs')));

  it('are found by their names', async () => {
    makePackage('tincan', 'arm64', 'tincan_1_arm64.deb');
    makePackage('tincan-node', 'arm64', 'tincan-node_1_arm64.deb');
    expect(await take()).toEqual([at('debs', 'tincan_1_arm64.deb'), at('debs', 'tincan-node_1_arm64.deb')]);
  });

  it('are refused where they are of another architecture, by name or by content', async () => {
    makePackage('tincan', 'amd64', 'tincan_1_amd64.deb');
    await expect(take()).rejects.toThrow(/has 0 packages tincan_…_arm64\.deb/);
    makePackage('tincan', 'amd64', 'tincan_1_arm64.deb');
    makePackage('tincan-node', 'arm64', 'tincan-node_1_arm64.deb');
    await expect(take()).rejects.toThrow(/holds "Package: tincan, Architecture: amd64"/);
  });

  it('are refused where they are cut off, or there twice', async () => {
    writeFileSync(at('debs', 'tincan_1_arm64.deb'), '!<arch>\n');
    makePackage('tincan-node', 'arm64', 'tincan-node_1_arm64.deb');
    await expect(take()).rejects.toThrow(/tincan_1_arm64\.deb is no whole Debian package/);
    makePackage('tincan', 'arm64', 'tincan_2_arm64.deb');
    await expect(take()).rejects.toThrow(/has 2 packages tincan_…_arm64\.deb, and one is needed/);
  });
});
