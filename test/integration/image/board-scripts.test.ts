/** The scripts that a board runs at its start, run here with their directories moved. */
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const SCRIPTS = new URL('../../../image-build/system/tree/usr/lib/tincan-image/', import.meta.url).pathname;

let root = '';

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'tincan-board-'));
  for (const directory of ['boot/firmware/tincan', 'run/tincan-image', 'etc', 'var/lib/tincan', 'scripts']) {
    await mkdir(join(root, directory), { recursive: true });
  }
});

afterEach(async () => {
  await rm(root, { recursive: true });
});

/** Runs a script of the board with its absolute paths below `root`; what it says to people comes on stdout. */
async function runScript(name: string): Promise<{ stdout: string; failed: boolean }> {
  const text = await readFile(join(SCRIPTS, name), 'utf8');
  const moved = text
    .replaceAll(
      /\/(boot\/firmware|run\/tincan-image|etc\/host|etc\/machine-id|etc\/tincan|data\/system|var\/lib\/tincan)/g,
      `${root}/$1`,
    )
    .replaceAll('/usr/lib/tincan-image/say', 'echo')
    .replaceAll('/usr/lib/tincan-image/led', 'true')
    .replaceAll('-g tincan', '')
    .replaceAll('$(tincan ', `$(${join(root, 'scripts', 'tincan')} `)
    .replaceAll(/\/proc\/[a-z/-]+/g, (path) =>
      path.endsWith('serial-number') ? '/nonexistent' : `${root}/proc`,
    );
  const file = join(root, 'scripts', name);
  await writeFile(file, moved);
  await chmod(file, 0o755);
  return run(file).then(
    ({ stdout }) => ({ stdout, failed: false }),
    (error: { stdout: string }) => ({ stdout: error.stdout, failed: true }),
  );
}

const put = (path: string, text: string) => writeFile(join(root, path), text);
const got = (path: string) => readFile(join(root, path), 'utf8');

describe('write-wifi-config', () => {
  const wifi = (settings: unknown) =>
    put('boot/firmware/tincan/wifi.json', typeof settings === 'string' ? settings : JSON.stringify(settings));

  it('keeps any name of a network and any password, byte for byte', async () => {
    const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 8 });
    const password = fc.string({
      unit: fc.integer({ min: 32, max: 126 }).map((code) => String.fromCharCode(code)),
      minLength: 8,
      maxLength: 63,
    });
    await fc.assert(
      fc.asyncProperty(name, password, async (ssid, secret) => {
        fc.pre(Buffer.from(ssid).toString() === ssid && !ssid.includes('\0'));
        await wifi({ ssid, password: secret, country: 'DE' });
        expect(await runScript('write-wifi-config')).toEqual({ stdout: '', failed: false });
        const written = await got('run/tincan-image/wpa_supplicant.conf');
        expect(/^ {2}ssid=([0-9a-f]+)$/m.exec(written)?.[1]).toBe(Buffer.from(ssid).toString('hex'));
        expect(/^ {2}psk="(.*)"$/m.exec(written)?.[1]).toBe(secret);
      }),
      { numRuns: 5 },
    );
  }, 120_000);

  it('passes a key of 64 digits on as a key, and no password as an open network', async () => {
    await wifi({ ssid: 'a "b" c', password: 'ab'.repeat(32) });
    await runScript('write-wifi-config');
    expect(await got('run/tincan-image/wpa_supplicant.conf')).toContain(`  psk=${'ab'.repeat(32)}\n`);
    await wifi({ ssid: 'café' });
    await runScript('write-wifi-config');
    expect(await got('run/tincan-image/wpa_supplicant.conf')).toContain('  key_mgmt=NONE\n');
  });

  it.each([
    ['no JSON', '{"ssid": ', /this is not JSON/],
    ['a list', '[]', /no object of JSON/],
    ['no name', { password: 'x'.repeat(8) }, /there is no "ssid"/],
    ['a name that is a number', { ssid: 5 }, /there is no "ssid"/],
    ['a country that is a number', { ssid: 'a', country: 5 }, /not JSON as in README/],
    ['a name of 33 bytes', { ssid: `${'ü'.repeat(16)}x` }, /33 bytes, and at most 32/],
    ['a short password', { ssid: 'a', password: 'short' }, /8 to 63/],
    ['a password with a line end', { ssid: 'a', password: 'long enough\nssid=x' }, /8 to 63/],
    ['a country that is none', { ssid: 'a', country: 'DE\n}' }, /is no country code/],
  ])('refuses %s and says so', async (_, settings, words) => {
    await wifi(settings);
    const { stdout, failed } = await runScript('write-wifi-config');
    expect(failed).toBe(true);
    expect(stdout).toMatch(words);
    await expect(got('run/tincan-image/wpa_supplicant.conf')).rejects.toThrow(/ENOENT/);
  });
});

describe('write-wifi-config, with networks of the signed config', () => {
  const signed = (networks: unknown) =>
    put(
      'var/lib/tincan/wifi.json',
      typeof networks === 'string' ? networks : JSON.stringify(networks, null, 2),
    );
  const card = (network: unknown) => put('boot/firmware/tincan/wifi.json', JSON.stringify(network));
  const written = async () => {
    const text = await got('run/tincan-image/wpa_supplicant.conf');
    const names = [...text.matchAll(/ssid=([0-9a-f]+)\n[^}]*priority=(\d+)/g)];
    return names.map(([, hex = '', priority]) => [Buffer.from(hex, 'hex').toString(), Number(priority)]);
  };

  it('prefers them in their order, and keeps the card’s as the last one', async () => {
    await signed([
      { ssid: 'new "house"', password: 'x'.repeat(8) },
      { ssid: 'old\nhouse', country: 'AT' },
    ]);
    await card({ ssid: 'card', country: 'DE' });
    expect(await runScript('write-wifi-config')).toEqual({ stdout: '', failed: false });
    expect(await written()).toEqual([
      ['new "house"', 2],
      ['old\nhouse', 1],
      ['card', 0],
    ]);
    expect(await got('run/tincan-image/wpa_supplicant.conf')).toContain('country=AT\n');
  });

  it('needs no card', async () => {
    await signed([{ ssid: 'a' }]);
    expect(await runScript('write-wifi-config')).toEqual({ stdout: '', failed: false });
    expect(await written()).toEqual([['a', 0]]);
  });

  it.each([
    ['no JSON', '[{"ssid": '],
    ['no list', '7'],
    ['a list of other things', [1, null, 'x', { ssid: 'a', password: 'x\n}\nnetwork={' }]],
  ])('goes on with the card’s where there is %s', async (_, networks) => {
    await signed(networks);
    await card({ ssid: 'card' });
    expect((await runScript('write-wifi-config')).failed).toBe(false);
    expect(await written()).toEqual([['card', 0]]);
  });
});

describe('stage-claim', () => {
  const fleet = async (answer: 'takes it' | 'refuses it') => {
    const command = join(root, 'scripts', 'tincan');
    await writeFile(command, `#!/bin/sh\necho asked >> ${root}/asked\n[ "${answer}" = 'takes it' ]\n`);
    await chmod(command, 0o755);
  };
  const timesAsked = () =>
    got('asked').then(
      (text) => text.split('\n').length - 1,
      () => 0,
    );
  const becomeMember = () => put('var/lib/tincan/enrolment.json', '{}');

  beforeEach(async () => {
    await mkdir(join(root, 'data/system'), { recursive: true });
    await mkdir(join(root, 'etc/tincan'), { recursive: true });
    await fleet('takes it');
  });

  it('does not start the agent to ask about the claim that made the board a member', async () => {
    await put('boot/firmware/tincan/claim.json', 'first');
    expect((await runScript('stage-claim')).failed).toBe(false);
    expect(await got('etc/tincan/claim.json')).toBe('first');
    await becomeMember();
    await runScript('stage-claim');
    expect(await timesAsked()).toBe(0);
  });

  it('asks once about another one, and again about one that was refused', async () => {
    await becomeMember();
    await put('boot/firmware/tincan/claim.json', 'second');
    await fleet('refuses it');
    expect((await runScript('stage-claim')).stdout).toContain('the claim is not used');
    await fleet('takes it');
    await runScript('stage-claim');
    await runScript('stage-claim');
    expect(await timesAsked()).toBe(2);
  });

  it('goes on where nothing can be remembered', async () => {
    await rm(join(root, 'data'), { recursive: true });
    await put('boot/firmware/tincan/claim.json', 'first');
    expect((await runScript('stage-claim')).failed).toBe(false);
    expect(await got('etc/tincan/claim.json')).toBe('first');
  });

  it('says that there is no claim', async () => {
    expect((await runScript('stage-claim')).stdout).toContain('there is no claim');
  });
});

describe('set-hostname', () => {
  const claim = (device: string) =>
    put(
      'boot/firmware/tincan/claim.json',
      JSON.stringify({ payload: Buffer.from(JSON.stringify({ device })).toString('base64'), signatures: [] }),
    );

  async function namedBoard(): Promise<string> {
    await put('etc/machine-id', '0123456789abcdef0123456789abcdef\n');
    await runScript('set-hostname');
    return (await got('etc/hostname')).trim();
  }

  it('takes the owner’s name, the member’s, the claim’s, the hardware’s, in this order', async () => {
    expect(await namedBoard()).toBe('tincan-89abcdef');
    await claim('greenhouse');
    expect(await namedBoard()).toBe('greenhouse');
    await put('var/lib/tincan/enrolment.json', JSON.stringify({ device: 'cellar' }));
    expect(await namedBoard()).toBe('cellar');
    await put('boot/firmware/tincan/hostname', 'Attic \r\n');
    expect(await namedBoard()).toBe('attic');
  });

  it.each(['a b', '-x', 'x-', 'ä', 'x'.repeat(64), '$(reboot)'])('passes over "%s"', async (name) => {
    await claim('greenhouse');
    await put('boot/firmware/tincan/hostname', `${name}\n`);
    expect(await namedBoard()).toMatch(/^(greenhouse|ab)$/);
  });

  it('takes no line end out of a claim, which nobody has verified yet', async () => {
    await claim('a\nb');
    expect(await namedBoard()).toBe('tincan-89abcdef');
  });

  it('survives files that are damaged', async () => {
    await put('boot/firmware/tincan/claim.json', '{"payload": "%%%"}');
    await put('var/lib/tincan/enrolment.json', '{');
    expect(await namedBoard()).toBe('tincan-89abcdef');
  });
});
