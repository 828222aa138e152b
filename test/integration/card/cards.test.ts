/** `tincan image personalise` and `flash` on real images, with the real mtools, xz and dd. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { runCli } from '../../../agent/cli/run-cli.ts';
import { runImageCli } from '../../../image-build/image.ts';
import { BASE_BYTES, imageToolsProblem, makeBaseImage, readFromImage } from '../../fakes/base-image.ts';
import { RecordedIo } from '../../fakes/recorded-io.ts';

const problem = imageToolsProblem();
let directory: string;
const at = (...names: string[]) => join(directory, ...names);

async function image(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const io = new RecordedIo();
  const code = await runImageCli(['image', ...args], io);
  return { code, stdout: io.stdout, stderr: io.stderr };
}

async function fleet(...args: string[]): Promise<void> {
  const io = new RecordedIo();
  expect(await runCli(['fleet', ...args], io), io.stderr).toBe(0);
}

describe.skipIf(problem !== null)(`cards${problem ? ` (${problem})` : ''}`, () => {
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'tincan-cards-'));
    makeBaseImage(at('base.img'));
    execFileSync('xz', ['--keep', '-0', at('base.img')]);
    await fleet('init', at('home'), '--name', 'home', '--broker', 'mqtt://127.0.0.1');
    await fleet('init', at('other'), '--name', 'home', '--broker', 'mqtt://127.0.0.1');
    for (const device of ['greenhouse', 'attic']) {
      await fleet('add', at('home'), device, '--claim', at(`${device}.claim.json`));
    }
    writeFileSync(at('wifi.password'), 'pass "word"\n');
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  const claim = (device = 'greenhouse') => ['--claim', at(`${device}.claim.json`)];
  let before: string[];
  let own: string[];
  beforeEach(() => {
    before = readdirSync(directory).sort();
    own = [];
  });
  /** What a test makes; anything else that it leaves behind fails it. */
  const made = (...names: string[]) => own.push(...names);
  afterEach(() => {
    for (const name of own) rmSync(at(name), { recursive: true, force: true });
    expect(readdirSync(directory).sort()).toEqual(before);
  });

  it.each(['base.img', 'base.img.xz'])('personalises a copy of %s', async (base) => {
    made('g.img');
    const untouched = readFileSync(at(base));
    const wifi = ['--wifi', 'Café "net" ☕', '--wifi-password-file', at('wifi.password')];
    const result = await image('personalise', at(base), ...claim(), ...wifi, '--out', at('g.img'), '--json');
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(result.stdout)).toMatchObject({
      device: 'greenhouse',
      image: { board: 'rpi-arm64' },
      files: ['claim.json', 'wifi.json'],
    });
    expect(readFromImage(at('g.img'), 'claim.json')).toBe(readFileSync(at('greenhouse.claim.json'), 'utf8'));
    expect(JSON.parse(readFromImage(at('g.img'), 'wifi.json') ?? '')).toEqual({
      ssid: 'Café "net" ☕',
      password: 'pass "word"',
    });
    expect(readFromImage(at('g.img'), 'hostname')).toBeNull();
    expect(readFileSync(at(base)).equals(untouched)).toBe(true);
    // Outside the boot partition nothing changed, and the copy takes little more space than the base.
    const [was, is] = [readFileSync(at('base.img')), readFileSync(at('g.img'))];
    expect(is.length).toBe(BASE_BYTES);
    const boot = [4, 44].map((mib) => mib * 1024 * 1024) as [number, number];
    expect(is.subarray(0, boot[0]).equals(was.subarray(0, boot[0]))).toBe(true);
    expect(is.subarray(boot[1]).equals(was.subarray(boot[1]))).toBe(true);
    expect(statSync(at('g.img')).blocks * 512).toBeLessThan(BASE_BYTES / 4);
  });

  it('personalises an image in place, twice, keeping what is not named', async () => {
    made('card.img');
    copyFileSync(at('base.img'), at('card.img'));
    expect((await image('personalise', at('card.img'), ...claim(), '--hostname', 'Box')).code).toBe(0);
    expect((await image('personalise', at('card.img'), ...claim('attic'))).code).toBe(0);
    expect(readFromImage(at('card.img'), 'hostname')).toBe('box\n');
    expect(readFromImage(at('card.img'), 'claim.json')).toBe(readFileSync(at('attic.claim.json'), 'utf8'));
  });

  it('puts the Wi-Fi of a whole fleet into a base image, and each claim later', async () => {
    made('fleet.img', 'card.img');
    const shared = await image('personalise', at('base.img'), '--wifi', 'Net', '--out', at('fleet.img'));
    expect(shared).toMatchObject({ code: 0, stderr: '' });
    expect(shared.stdout).toContain('for any device, with wifi.json');
    expect((await image('personalise', at('fleet.img'), ...claim(), '--out', at('card.img'))).code).toBe(0);
    expect(readFromImage(at('card.img'), 'wifi.json')).toContain('"Net"');
    expect(readFromImage(at('card.img'), 'claim.json')).toContain('payload');
  });

  it('makes an image for each line of a sheet', async () => {
    made('sheet.csv', 'cards');
    writeFileSync(
      at('sheet.csv'),
      'device,claim,wifi,wifi_password_file,hostname\ngreenhouse,greenhouse.claim.json,Net,wifi.password,\nattic,attic.claim.json,,,top\n',
    );
    const result = await image(
      'personalise',
      at('base.img'),
      '--csv',
      at('sheet.csv'),
      '--out-dir',
      at('cards'),
      '--fleet',
      at('home'),
    );
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(readdirSync(at('cards')).sort()).toEqual(['attic.img', 'greenhouse.img']);
    expect(readFromImage(at('cards', 'attic.img'), 'hostname')).toBe('top\n');
    expect(readFromImage(at('cards', 'greenhouse.img'), 'wifi.json')).toContain('pass \\"word\\"');
  });

  it('checks all of a sheet before it writes any card', async () => {
    made('sheet.csv', 'cards');
    writeFileSync(
      at('sheet.csv'),
      'device,claim\ngreenhouse,greenhouse.claim.json\nattic,greenhouse.claim.json\n',
    );
    const result = await image(
      'personalise',
      at('base.img'),
      '--csv',
      at('sheet.csv'),
      '--out-dir',
      at('cards'),
    );
    expect(result.code).toBe(2);
    expect(result.stderr).toContain('its claim is for greenhouse');
    expect(readdirSync(directory)).not.toContain('cards');
  });

  it.each(['base.img', 'base.img.xz'])(
    'flashes %s to a file, reads it back and puts the claim in',
    async (base) => {
      made('card.img');
      const result = await image('flash', at(base), at('card.img'), ...claim(), '--json');
      expect(result.code, result.stderr).toBe(0);
      expect(JSON.parse(result.stdout)).toMatchObject({
        bytes: BASE_BYTES,
        personalised: { device: 'greenhouse' },
      });
      expect(result.stderr).toMatch(/writing 100 %.*\n.*reading back/s);
      expect(readFromImage(at('card.img'), 'claim.json')).toBe(
        readFileSync(at('greenhouse.claim.json'), 'utf8'),
      );
    },
  );

  it('flashes the very bytes over an old file, and no more of them', async () => {
    made('card.img');
    writeFileSync(at('card.img'), Buffer.alloc(BASE_BYTES + 4096, 7));
    expect((await image('flash', at('base.img'), at('card.img'))).stderr).toContain('say --yes');
    expect((await image('flash', at('base.img'), at('card.img'), '--yes')).code).toBe(0);
    expect(readFileSync(at('card.img')).equals(readFileSync(at('base.img')))).toBe(true);
  });

  it('leaves nothing of a new file when it is interrupted', async () => {
    const io = new RecordedIo();
    const running = runImageCli(['image', 'flash', at('base.img'), at('card.img')], io);
    setTimeout(() => io.stop.abort(), 20);
    expect(await running).toBe(1);
    expect(io.stderr).toContain('interrupted: ');
  });

  it('leaves no partitions on a card when it is interrupted', async () => {
    made('card.img');
    writeFileSync(at('card.img'), readFileSync(at('base.img')));
    const io = new RecordedIo();
    const err = io.err;
    const stopping = Object.assign(io, {
      err: (text: string) => {
        err(text);
        if (text.startsWith('writing')) io.stop.abort();
      },
    });
    expect(await runImageCli(['image', 'flash', at('base.img'), at('card.img'), '--yes'], stopping)).toBe(1);
    expect(io.stderr).toMatch(/interrupted: .* has no partitions now/);
    expect(readFileSync(at('card.img')).subarray(0, 512).equals(Buffer.alloc(512))).toBe(true);
  });

  describe('refuses, and leaves nothing behind:', () => {
    const broken = (name: string, change: (path: string) => void) => {
      made(name);
      copyFileSync(at(name.endsWith('.xz') ? 'base.img.xz' : 'base.img'), at(name));
      change(at(name));
      return at(name);
    };
    const refused = async (sentence: RegExp, code: number, ...args: string[]) => {
      const was = readdirSync(directory).sort();
      const result = await image(...args);
      expect(result.stderr).toMatch(sentence);
      const sentences = result.stderr.split('\n').filter((line) => !/^(writing|reading back) |^$/.test(line));
      expect(sentences).toHaveLength(1);
      expect(result).toMatchObject({ code, stdout: '' });
      expect(readdirSync(directory).sort()).toEqual(was);
    };
    const both = async (path: string, sentence: RegExp) => {
      await refused(sentence, 1, 'personalise', path, ...claim(), '--out', at('new.img'));
      await refused(sentence, 1, 'flash', path, at('new.img'));
    };

    it('a truncated image', async () => {
      await both(
        broken('short.img', (path) => truncateSync(path, BASE_BYTES - 2 * 1024 * 1024)),
        /is not whole/,
      );
    });

    it('a truncated .xz', async () => {
      await both(
        broken('short.img.xz', (path) => truncateSync(path, statSync(path).size - 100)),
        /damaged or not whole/,
      );
    });

    it('a corrupted .xz', async () => {
      const corrupt = broken('bad.img.xz', (path) => {
        const bytes = readFileSync(path);
        bytes.fill(0x5a, bytes.length / 2, bytes.length / 2 + 64);
        writeFileSync(path, bytes);
      });
      await both(corrupt, /damaged or not whole/);
    });

    it('what is no image', async () => {
      const path = broken('text.img', (file) => writeFileSync(file, 'hello'));
      await both(path, /not a Tincan image/);
      made('foreign.img');
      makeBaseImage(at('foreign.img'), 'BOOT');
      await both(at('foreign.img'), /label RASPIFIRM/);
    });

    it('an image without tincan/image.json', async () => {
      const path = broken('empty.img', (file) =>
        execFileSync('mdel', ['-i', `${file}@@4M`, '::/tincan/image.json']),
      );
      await refused(/image.json is missing/, 1, 'personalise', path, ...claim());
    });

    it('files that are not there, and options that do not go together', async () => {
      await refused(/cannot read the image .*nowhere/, 2, 'personalise', at('nowhere.img'), ...claim());
      await refused(/there is no claim/, 2, 'personalise', at('base.img'));
      await refused(/cannot read the claim/, 2, 'personalise', at('base.img'), '--claim', at('nowhere'));
      await refused(/is compressed/, 2, 'personalise', at('base.img.xz'), ...claim());
      await refused(
        /there already/,
        2,
        'personalise',
        at('base.img'),
        ...claim(),
        '--out',
        at('wifi.password'),
      );
      await refused(/belong to --wifi/, 2, 'personalise', at('base.img'), ...claim(), '--wifi-country', 'DE');
      await refused(/belongs to --csv/, 2, 'personalise', at('base.img'), ...claim(), '--out-dir', at('x'));
      await refused(/say where with --out-dir/, 2, 'personalise', at('base.img'), '--csv', at('x'));
      await refused(/into its columns/, 2, 'personalise', at('base.img'), '--csv', at('x'), ...claim());
    });

    it('a claim of another fleet', async () => {
      const args = ['personalise', at('base.img'), ...claim(), '--out', at('g.img'), '--fleet'];
      await refused(/is for fleet home .* and not for home/, 1, ...args, at('other'));
    });

    it('a disk that this computer runs from, a directory, a device of another kind, no disk at all', async () => {
      const [, source = ''] = /^(\/dev\/\S+) \/ /m.exec(readFileSync('/proc/mounts', 'utf8')) ?? [];
      if (source && statSync(source).isBlockDevice()) {
        await refused(
          /runs from|is a partition/,
          1,
          'flash',
          at('base.img'),
          source,
          '--yes',
          '--any-size',
          '--fixed-disk',
        );
        await refused(/runs from|is a partition/, 1, 'personalise', source, ...claim());
      }
      await refused(/neither a disk nor a file/, 2, 'flash', at('base.img'), directory, '--yes');
      await refused(/neither a disk nor a file/, 2, 'flash', at('base.img'), '/dev/null', '--yes');
      await refused(/there is no disk/, 2, 'flash', at('base.img'), '/dev/nosuchdisk', '--yes');
    });

    it('to work without mtools, or without xz, and names the package', async () => {
      mkdirSync(at('bin'));
      made('bin');
      symlinkSync('/bin/cp', at('bin', 'cp'));
      chmodSync(at('bin'), 0o755);
      const path = process.env['PATH'];
      onTestFinished(() => {
        process.env['PATH'] = path;
      });
      process.env['PATH'] = at('bin');
      await refused(
        /apt-get install mtools/,
        1,
        'personalise',
        at('base.img'),
        ...claim(),
        '--out',
        at('g.img'),
      );
      await refused(/apt-get install xz-utils/, 1, 'flash', at('base.img.xz'), at('g.img'));
    });
  });
});
