import { execFile } from 'node:child_process';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { productVersion } from '../../../agent/adapters/product-version.ts';
import { runVerify } from '../../../image-build/verify/verify-command.ts';
import { RecordedIo } from '../../fakes/recorded-io.ts';
import { elf, makeTinyImage, type Tampering, tinyImageProblem } from './tiny-image.ts';

const X86_64 = 62;
const PRIVATE_KEY = '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEI\n-----END PRIVATE KEY-----\n';

let directory = '';
beforeEach(async (context) => {
  const problem = await tinyImageProblem();
  if (problem !== null) context.skip(problem);
  directory = await mkdtemp(join(tmpdir(), 'tincan-tiny-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

interface Verified {
  ok: boolean;
  checks: { name: string; outcome: string; sentences: string[] }[];
}

async function verify(
  file: string,
  options: { personal?: boolean; locked?: string } = {},
): Promise<Verified> {
  const io = new RecordedIo();
  await runVerify(file, { ...options, json: true }, io);
  return JSON.parse(io.stdout) as Verified;
}

function failedIn({ checks }: Verified): string[] {
  return checks.filter(({ outcome }) => outcome === 'failed').map(({ name }) => name);
}

/** Each with the check that has to notice it, and a word of its sentence. */
const TAMPERINGS: ReadonlyArray<[what: string, check: string, word: RegExp, tampering: Tampering]> = [
  ['a boot partition of another kind', 'partition-table', /type 0x83/, { bootType: '83' }],
  ['a boot partition at another place', 'partition-table', /4 MiB/, { bootStartMb: 8 }],
  ['a root without /dev', 'root-files', /no folder \/dev to mount/, { withoutFolder: 'dev' }],
  ['another label of the boot partition', 'labels', /"BOOT"/, { bootLabel: 'BOOT' }],
  ['another label of the data partition', 'labels', /"DATA"/, { dataLabel: 'DATA' }],
  ['no firmware of the Raspberry Pi 4', 'boot-files', /start4\.elf/, { boot: { 'start4.elf': null } }],
  [
    'a root that is another disk',
    'command-line',
    /PARTUUID/,
    { boot: { 'cmdline.txt': 'root=/dev/sda2 ro panic=10' } },
  ],
  [
    'a root to write to',
    'command-line',
    /read-only/,
    { boot: { 'cmdline.txt': 'root=PARTUUID=54494e43-02 rw panic=10' } },
  ],
  [
    'a shell for everybody',
    'command-line',
    /init=/,
    { boot: { 'cmdline.txt': 'root=PARTUUID=54494e43-02 ro panic=10 init=/bin/sh' } },
  ],
  ['state on the data partition', 'data-empty', /identity\.json/, { data: { 'tincan/identity.json': '{}' } }],
  ['no agent', 'root-files', /tincan\.js/, { root: { 'usr/lib/tincan/dist/tincan.js': null } }],
  ['a program of another machine', 'architecture', /usr\/bin\/ls/, { root: { 'usr/bin/ls': elf(X86_64) } }],
  [
    'a file that everybody may write to',
    'writable',
    /usr\/bin\/tincan/,
    { modes: { 'usr/bin/tincan': 0o777 } },
  ],
  ['a set-user-id program', 'setuid', /sbin\/sshd/, { modes: { 'usr/sbin/sshd': 0o4755 } }],
  [
    'a program of a user',
    'owners',
    /user 1000/,
    { keepsOwners: true, pseudo: ['usr/bin/tincan m 755 1000 1000'] },
  ],
  ['a device file', 'devices', /dev\/mem/, { pseudo: ['dev d 755 0 0', 'dev/mem c 640 0 0 1 1'] }],
  [
    'another version',
    'version',
    /9\.9\.9/,
    { root: { 'var/lib/dpkg/status': 'Package: tincan\nStatus: install ok installed\nVersion: 9.9.9\n' } },
  ],
  [
    'a password',
    'passwords',
    /pi has a password/,
    { root: { 'etc/shadow': 'root:*::::::\npi:$y$j9T$x$y:::::::\n' } },
  ],
  [
    'an account without a password',
    'passwords',
    /without a password/,
    { root: { 'etc/shadow': 'root::20000::::::\n' } },
  ],
  ['a shadow file that everybody may read', 'passwords', /read/, { modes: { 'etc/shadow': 0o644 } }],
  [
    'a second root',
    'passwords',
    /second root/,
    { root: { 'etc/passwd': 'root:x:0:0::/:/bin/sh\ntoor:x:0:0::/:/bin/sh\n' } },
  ],
  ['a private key', 'private-keys', /etc\/key\.pem/, { root: { 'etc/key.pem': PRIVATE_KEY } }],
  [
    'a private key beside the claim',
    'private-keys',
    /boot partition/,
    { boot: { 'tincan/x.pem': PRIVATE_KEY } },
  ],
  ['a Wi-Fi password', 'personal-files', /wifi\.json/, { boot: { 'tincan/wifi.json': '{}' } }],
  ['a machine-id', 'identity', /machine-id/, { root: { 'etc/machine-id': `${'0a'.repeat(16)}\n` } }],
  [
    'a host key of SSH',
    'identity',
    /ssh_host/,
    { root: { 'etc/ssh/ssh_host_ed25519_key.pub': 'ssh-ed25519 AAAA' } },
  ],
  ['a seed of random numbers', 'identity', /seed/, { root: { 'var/lib/systemd/random-seed': 'x' } }],
  [
    'an agent that is not started',
    'units-enabled',
    /tincan\.service/,
    { links: { 'etc/systemd/system/multi-user.target.wants/tincan.service': null } },
  ],
  [
    'a prompt for a login',
    'units-enabled',
    /getty/,
    {
      root: { 'usr/lib/systemd/system/getty@.service': '[Service]\nExecStart=/usr/bin/tincan\n' },
      links: {
        'etc/systemd/system/getty.target.wants/getty@tty1.service': '/usr/lib/systemd/system/getty@.service',
      },
    },
  ],
  [
    'a service that is not there',
    'units-dangling',
    /gone\.service/,
    {
      links: {
        'etc/systemd/system/multi-user.target.wants/gone.service': '/usr/lib/systemd/system/gone.service',
      },
    },
  ],
  [
    'a unit that systemd does not accept',
    'units-valid',
    /tincan-broken/,
    {
      root: { 'usr/lib/systemd/system/tincan-broken.service': '[Service]\nType=oneshot\nRestart=perhaps\n' },
    },
  ],
  [
    'a boot partition to write to',
    'root-read-only',
    /fstab/,
    { root: { 'etc/fstab': 'LABEL=RASPIFIRM /boot/firmware vfat rw 0 0\n' } },
  ],
  [
    'a journal on the card',
    'root-read-only',
    /journal/,
    { root: { 'etc/systemd/journald.conf.d/10-tincan.conf': '[Journal]\n' } },
  ],
];

describe('tincan image verify', () => {
  it('finds nothing wrong with a sound image, and leaves nothing behind', async () => {
    const verified = await verify(await makeTinyImage(directory));
    expect(verified.checks.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
    expect(verified.ok).toBe(true);
  });

  it.each(TAMPERINGS)('notices %s', async (_what, check, word, tampering) => {
    const verified = await verify(await makeTinyImage(directory, tampering));
    expect(failedIn(verified)).toEqual([check]);
    expect(verified.checks.find(({ name }) => name === check)?.sentences.join('\n')).toMatch(word);
  });

  it('compares the packages with the lock file beside the image', async () => {
    const status = `Package: jq\nStatus: install ok installed\nVersion: 1.7.1-6\n\nPackage: tincan\nStatus: install ok installed\nVersion: ${productVersion}\n`;
    const image = await makeTinyImage(directory, { root: { 'var/lib/dpkg/status': status } });
    const lock = (version: string) => {
      const jq = { name: 'jq', version, architecture: 'arm64', sha256: '0'.repeat(64) };
      return JSON.stringify({ board: 'rpi-arm64', suite: 'trixie', epoch: 1, packages: [jq] });
    };
    await writeFile(join(directory, 'image.packages.json'), lock('1.7.1-6'));
    const same = await verify(image);
    expect(same.checks.find(({ name }) => name === 'locked')?.outcome).toBe('passed');
    await writeFile(join(directory, 'other.json'), lock('1.8'));
    const other = await verify(image, { locked: join(directory, 'other.json') });
    expect(failedIn(other)).toEqual(['locked']);
    expect(other.checks.find(({ name }) => name === 'locked')?.sentences).toEqual([
      'jq 1.7.1-6 is installed, and 1.8 is locked',
    ]);
  });

  it('opens a compressed image, and says when it is damaged', async () => {
    const image = await makeTinyImage(directory);
    await promisify(execFile)('xz', ['-0', image]);
    expect((await verify(`${image}.xz`)).ok).toBe(true);
    await truncate(`${image}.xz`, 5000);
    await expect(verify(`${image}.xz`)).rejects.toThrow(/damaged and cannot be unpacked/);
  });

  it('refuses what is no image, and an image that is cut off, in one sentence', async () => {
    const image = await makeTinyImage(directory);
    await truncate(image, 45 * 1024 * 1024);
    await expect(verify(image)).rejects.toThrow(/cut off/);
    await expect(verify('package.json')).rejects.toThrow(/no disk image/);
    await expect(verify('/nowhere.img')).rejects.toThrow(/there is no file/);
    await expect(verify(directory)).rejects.toThrow(/is no file/);
  });

  it('expects a whole claim where an image is for one owner', async () => {
    const none = await verify(await makeTinyImage(directory), { personal: true });
    expect(failedIn(none)).toEqual(['personal-files']);
    const broken = await makeTinyImage(await mkdtemp(join(directory, 'b')), {
      boot: { 'tincan/claim.json': '{}' },
    });
    const found = await verify(broken, { personal: true });
    expect(found.checks.find(({ name }) => name === 'personal-files')?.sentences.join()).toMatch(
      /not a usable claim/,
    );
  });
});
