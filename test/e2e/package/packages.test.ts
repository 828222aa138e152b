/** The Debian packages: made twice with the same bytes, installed, upgraded and purged; what their unit is worth. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const here = fileURLToPath(new URL('.', import.meta.url));
const DEBIAN_ARCH = { x64: 'amd64', arm64: 'arm64' }[process.arch as string];
const BUILD_LIMIT_MS = 600_000;
/** systemd-analyze's scale is 0 (safe) to 10; under 2 is what it calls safe enough for "OK". */
const HIGHEST_EXPOSURE = 2;

function missing(): string | null {
  const tools = ['dpkg-deb', 'g++', 'readelf', 'strip'].filter(
    (tool) => spawnSync(tool, ['--version']).error,
  );
  return tools.length === 0 ? null : `${tools.join(', ')} missing: apt-get install dpkg g++ binutils`;
}

const problem = missing();
const overlay =
  'mount -t tmpfs x /mnt && mkdir /mnt/u /mnt/w /mnt/m && mount -t overlay x -o lowerdir=/,upperdir=/mnt/u,workdir=/mnt/w /mnt/m';
const overlayProblem =
  spawnSync('unshare', ['--mount', 'sh', '-c', overlay]).status === 0
    ? null
    : 'no overlay may be mounted here';

let directory: string;
const build = (out: string, ...args: string[]) =>
  execFileSync(
    process.execPath,
    [
      join(root, 'image-build/package/build-deb.mjs'),
      '--arch',
      DEBIAN_ARCH ?? '',
      '--out',
      join(directory, out),
      '--compression=none',
      ...args,
    ],
    { stdio: 'pipe', timeout: BUILD_LIMIT_MS },
  );

describe.skipIf(problem !== null)(`the packages${problem ? ` (${problem})` : ''}`, () => {
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'tincan-packages-'));
    build('one');
  }, BUILD_LIMIT_MS);
  afterAll(() => rmSync(directory, { recursive: true }));
  const deb = (out: string, name: string) => {
    const file = readdirSync(join(directory, out)).find((entry) => entry.startsWith(`${name}_`));
    return join(directory, out, file ?? `${name} is missing`);
  };

  it(
    'have the same bytes when they are made again',
    () => {
      build('two', '--only', 'tincan');
      const hash = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');
      expect(hash(deb('two', 'tincan'))).toBe(hash(deb('one', 'tincan')));
    },
    BUILD_LIMIT_MS,
  );

  it.skipIf(overlayProblem !== null)(
    `install, upgrade and purge${overlayProblem ? ` (${overlayProblem})` : ''}`,
    () => {
      const script = join(here, 'installation.sh');
      const args = ['--mount', 'sh', script, deb('one', 'tincan'), deb('one', 'tincan-node')];
      const { stdout, stderr } = spawnSync('unshare', args, { encoding: 'utf8', timeout: 110_000 });
      expect(stdout, stderr).toMatch(/all is well\n$/);
    },
  );
});

describe('the unit', () => {
  const unit = join(root, 'image-build/package/tree/usr/lib/systemd/system/tincan.service');
  const args = ['security', '--offline=yes', `--threshold=${HIGHEST_EXPOSURE * 10}`, '--no-pager', unit];
  const analysed = spawnSync('systemd-analyze', args, { encoding: 'utf8' });

  it.skipIf(analysed.error !== undefined || /invalid option|unrecognized/.test(analysed.stderr))(
    'exposes little',
    () => {
      expect(analysed.stdout).toContain('Overall exposure level');
      expect(analysed.status, analysed.stdout).toBe(0);
    },
  );

  it('has two capabilities, the network device, and reads input devices', () => {
    const text = readFileSync(unit, 'utf8');
    expect(text).toMatch(/^CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_BIND_SERVICE$/m);
    expect(text.match(/^DeviceAllow=.*$/gm)).toEqual([
      'DeviceAllow=/dev/net/tun rw',
      'DeviceAllow=char-input r',
    ]);
  });
});
