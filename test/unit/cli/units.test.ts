import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bytesText,
  countText,
  durationText,
  pluralText,
  rttText,
  timeText,
} from '../../../agent/cli/units.ts';

describe('bytesText', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1 kB'],
    [1234, '1.2 kB'],
    [12_345, '12 kB'],
    [999_499, '999 kB'],
    [999_500, '1 MB'],
    [2_500_000, '2.5 MB'],
    [7_000_000_000, '7 GB'],
    [5e15, '5000 TB'],
  ])('says %d as %s', (bytes, text) => expect(bytesText(bytes)).toBe(text));

  it('is never off by more than one in twenty, and has at most three digits below a thousand terabytes', () => {
    const scale: Record<string, number> = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 };
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e14 }), (bytes) => {
        const [value = '', unit = ''] = bytesText(bytes).split(' ');
        expect(value).toMatch(/^\d{1,3}(\.\d)?$/);
        expect(Math.abs(Number(value) * (scale[unit] ?? 0) - bytes)).toBeLessThanOrEqual(bytes * 0.05);
      }),
    );
  });
});

describe('durationText', () => {
  it.each([
    [0, '0 s'],
    [40, '0 s'],
    [400, '0.4 s'],
    [9949, '9.9 s'],
    [9950, '10 s'],
    [59_400, '59 s'],
    [59_600, '1 min'],
    [65_000, '1 min 5 s'],
    [3_599_600, '1 h'],
    [7_800_000, '2 h 10 min'],
    [86_399_600, '1 d'],
    [356_400_000, '4 d 3 h'],
  ])('says %d ms as %s', (ms, text) => expect(durationText(ms)).toBe(text));
});

describe('other figures', () => {
  it('gives round trips the decimals that matter', () => {
    expect([0.2345, 12.34, 340.4].map(rttText)).toEqual(['0.23 ms', '12.3 ms', '340 ms']);
  });

  it('groups counts and knows one from many', () => {
    expect(countText(1_234_567)).toBe('1,234,567');
    expect([pluralText(1, 'link'), pluralText(0, 'link')]).toEqual(['1 link', '0 links']);
  });

  it('says times in UTC and survives impossible ones', () => {
    expect(timeText(0)).toBe('1970-01-01 00:00:00 UTC');
    expect(timeText(Number.NaN)).toBe('unknown time');
    expect(timeText(1e99)).toBe('unknown time');
  });
});
