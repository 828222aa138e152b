import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UsageError } from '../../../agent/errors.ts';
import { boardNamed } from '../../../image-build/image/board.ts';
import {
  type LockedPackage,
  type PackageLock,
  packagesOf,
  pinsOf,
  readLock,
  requireAsLocked,
} from '../../../image-build/image/package-lock.ts';

const HASH = 'ab'.repeat(32);
const OTHER_HASH = 'cd'.repeat(32);

const JQ: LockedPackage = { name: 'jq', version: '1:1.7.1-6', architecture: 'arm64', sha256: HASH };

const LOCK: PackageLock = {
  board: 'rpi-arm64',
  suite: 'trixie',
  epoch: 1_767_225_600,
  packages: [JQ],
};

let directory = '';

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tincan-lock-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

async function written(content: unknown): Promise<string> {
  const file = join(directory, 'packages.json');
  await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

describe('the locks of the repository', () => {
  it.each(['rpi-arm64', 'generic-x86_64'])(
    '%s can be used, and has what its board asks for',
    async (board) => {
      const { packages } = await readLock(`image-build/locks/${board}.packages.json`, board);
      const names = new Set(packages.map(({ name }) => name));
      const { packages: wanted, buildPackages } = boardNamed(board);
      expect([...wanted, ...buildPackages].filter((name) => !names.has(name))).toEqual([]);
    },
  );
});

describe('the list of packages', () => {
  it('is read from the names in apt’s archive, epochs of versions included, and sorted', () => {
    const sums = `${OTHER_HASH}  jq_1%3a1.7.1-6_arm64.deb\n${HASH}  busybox_1.37.0-6_arm64.deb\n`;
    expect(packagesOf(sums)).toEqual([
      { name: 'busybox', version: '1.37.0-6', architecture: 'arm64', sha256: HASH },
      { name: 'jq', version: '1:1.7.1-6', architecture: 'arm64', sha256: OTHER_HASH },
    ]);
  });

  it('pins versions so that apt goes back to them', () => {
    expect(pinsOf(LOCK)).toBe('Package: jq\nPin: version 1:1.7.1-6\nPin-Priority: 1001\n');
  });
});

describe('a lock file', () => {
  it('is read back as it was written', async () => {
    expect(await readLock(await written(LOCK), 'rpi-arm64')).toEqual(LOCK);
  });

  it('of another board is refused by name', async () => {
    const reading = readLock(await written(LOCK), 'generic-x86_64');
    await expect(reading).rejects.toThrow(/locks the packages of board rpi-arm64.*generic-x86_64/);
  });

  it.each([
    ['no JSON', '{'],
    ['a version that would be a line of its own', { ...LOCK, packages: [{ ...JQ, version: '1\nPin: x' }] }],
    ['a field that nobody knows', { ...LOCK, more: 1 }],
  ])('with %s is refused', async (_, content) => {
    await expect(readLock(await written(content), 'rpi-arm64')).rejects.toThrow(UsageError);
  });

  it('that is not there is told by its path', async () => {
    await expect(readLock(join(directory, 'nothing.json'), 'rpi-arm64')).rejects.toThrow(/nothing\.json/);
  });
});

describe('what was installed', () => {
  it('is as locked', () => {
    expect(() => requireAsLocked(LOCK.packages, LOCK)).not.toThrow();
  });

  it.each([
    ['another version', [{ ...JQ, version: '1.8' }], /jq 1\.8/],
    ['other bytes under the same version', [{ ...JQ, sha256: OTHER_HASH }], /jq 1:1\.7\.1-6/],
    ['nothing', [], /0 packages instead of 1/],
  ])('%s is refused, and said', (_, found, words) => {
    expect(() => requireAsLocked(found, LOCK)).toThrow(words);
  });
});
