/** `tincan image personalise` and `flash` on real images, with the real mtools, xz and dd. */
import { copyFileSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { runImageCli } from '../../../image-build/image.ts';
import { BASE_BYTES, readFromImage } from '../../fakes/base-image.ts';
import { RecordedIo } from '../../fakes/recorded-io.ts';
import { at, cardProblem, claim, image, made, namesThere, useCardFolder } from './card-folder.ts';

describe.skipIf(cardProblem !== null)(`cards${cardProblem ? ` (${cardProblem})` : ''}`, () => {
  useCardFolder();

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
    expect(namesThere()).not.toContain('cards');
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
});
