import { describe, expect, it } from 'vitest';
import { readImageOptions } from '../../image/image-options.ts';

describe('the options of npm run test:image', () => {
  it('have defaults: both boards, twenty power cuts, every bad start', () => {
    expect(readImageOptions([])).toMatchObject({
      image: null,
      boards: ['virt', 'raspi3b'],
      powerCuts: 20,
      adverse: ['no-network', 'wrong-wifi', 'no-broker', 'clock-1970'],
      restSeconds: 300,
      json: false,
    });
    expect(readImageOptions(['--help'])).toBeNull();
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
    [['--power-cuts', '-1'], /power-cuts/],
    [['--power-cuts', 'many'], /whole number/],
    [['--seed', '1.5'], /--seed/],
    [['--unknown'], /unknown/],
  ])('refuse %j', (args, sentence) => {
    expect(() => readImageOptions(args)).toThrow(sentence);
  });
});
