/** What `tincan image personalise` and `flash` refuse: one sentence, and nothing left behind. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { BASE_BYTES, makeBaseImage } from '../../fakes/base-image.ts';
import { at, cardProblem, claim, image, made, namesThere, useCardFolder } from './card-folder.ts';

describe.skipIf(cardProblem !== null)(
  `cards: refuses, and leaves nothing behind:${cardProblem ? ` (${cardProblem})` : ''}`,
  () => {
    useCardFolder();

    const broken = (name: string, change: (path: string) => void) => {
      made(name);
      copyFileSync(at(name.endsWith('.xz') ? 'base.img.xz' : 'base.img'), at(name));
      change(at(name));
      return at(name);
    };
    const refused = async (sentence: RegExp, code: number, ...args: string[]) => {
      const was = namesThere();
      const result = await image(...args);
      expect(result.stderr).toMatch(sentence);
      const sentences = result.stderr.split('\n').filter((line) => !/^(writing|reading back) |^$/.test(line));
      expect(sentences).toHaveLength(1);
      expect(result).toMatchObject({ code, stdout: '' });
      expect(namesThere()).toEqual(was);
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
      await refused(/neither a disk nor a file/, 2, 'flash', at('base.img'), at(), '--yes');
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
  },
);
