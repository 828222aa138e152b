import { describe, expect, it } from 'vitest';
import { readImageOptions } from '../../image/image-options.ts';

describe('the options of npm run test:image', () => {
  it('have defaults: the boards of the image, twenty power cuts, every bad start', () => {
    expect(readImageOptions([])).toMatchObject({
      image: null,
      build: 'rpi-arm64',
      boards: null,
      powerCuts: 20,
      adverse: ['no-network', 'wrong-wifi', 'no-broker', 'clock-1970'],
      restSeconds: 300,
      json: false,
    });
    expect(readImageOptions(['--help'])).toBeNull();
  });

  it('have a set for a merge, of which parts can still be chosen', () => {
    expect(readImageOptions(['--ci', '--power-cuts', '3'])).toMatchObject({
      build: process.arch === 'arm64' ? 'rpi-arm64' : 'generic-x86_64',
      boards: [process.arch === 'arm64' ? 'virt' : 'q35'],
      isCi: true,
      powerCuts: 3,
      adverse: [],
      restSeconds: 0,
    });
    expect(readImageOptions(['--ci', '--image', 'x.img'])?.boards).toBeNull();
  });

  it('choose less', () => {
    const args = [
      '--boards',
      'virt',
      '--power-cuts',
      '2',
      '--adverse',
      'none',
      '--seed',
      '7',
      '--image',
      'x.img',
    ];
    expect(readImageOptions(args)).toMatchObject({
      image: 'x.img',
      boards: ['virt'],
      powerCuts: 2,
      adverse: [],
      seed: 7,
    });
  });

  it.each([
    [['--boards', 'virt,pdp11'], /"pdp11" is none of virt, raspi3b/],
    [['--adverse', 'rain'], /"rain"/],
    [['--boards', 'none,virt'], /"none"/],
    [['--power-cuts', '-1'], /power-cuts/],
    [['--power-cuts', 'many'], /whole number/],
    [['--seed', '1.5'], /--seed/],
    [['--unknown'], /unknown/],
  ])('refuse %j', (args, sentence) => {
    expect(() => readImageOptions(args)).toThrow(sentence);
  });
});
