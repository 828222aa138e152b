import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lossFreeRate } from '../../bench/loss-free-rate.ts';
import { meanOf, medianOf, percentileOf, roundedTo } from '../../bench/statistics.ts';

describe('statistics', () => {
  it('take the middle of the runs that have a value', () => {
    expect(medianOf([9, 1, 5])).toBe(5);
    expect(medianOf([4, 1, 2, 3])).toBe(2.5);
    expect(medianOf([null, 7, null])).toBe(7);
    expect(medianOf([null])).toBeNull();
    expect(medianOf([])).toBeNull();
  });

  it('have a median that as many values are above as below', () => {
    void fc.assert(
      fc.property(fc.array(fc.integer(), { minLength: 1 }), (values) => {
        const median = medianOf(values) ?? Number.NaN;
        const below = values.filter((value) => value < median).length;
        const above = values.filter((value) => value > median).length;
        expect(Math.max(below, above)).toBeLessThanOrEqual(values.length / 2);
      }),
    );
  });

  it('take percentiles by the nearest rank', () => {
    const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect(percentileOf(hundred, 0.99)).toBe(99);
    expect(percentileOf(hundred, 0.5)).toBe(50);
    expect(percentileOf([3], 0.99)).toBe(3);
    expect(percentileOf([], 0.99)).toBeNull();
  });

  it('have no mean of nothing, and round what there is', () => {
    expect(meanOf([])).toBeNull();
    expect(meanOf([1, 2])).toBe(1.5);
    expect(roundedTo(1.26, 1)).toBe(1.3);
    expect(roundedTo(null, 1)).toBeNull();
  });
});

describe('the loss-free rate', () => {
  const upTo = (limit: number) => async (kpps: number) => ({
    deliveredKpps: Math.min(kpps, limit),
    lostShare: Math.max(0, 1 - limit / kpps),
  });

  it('is found below and above what an unpaced sender gets through', async () => {
    expect(await lossFreeRate(100, upTo(70))).toBeCloseTo(70, -1);
    expect(await lossFreeRate(100, upTo(140))).toBeCloseTo(140, -1);
  });

  it('is not lowered by one bad moment', async () => {
    let probes = 0;
    const rate = await lossFreeRate(100, async (kpps) => {
      probes++;
      return probes === 1 ? { deliveredKpps: 1, lostShare: 0.9 } : upTo(140)(kpps);
    });
    expect(rate).toBeCloseTo(140, -1);
  });

  it('never exceeds a rate that arrived whole', async () => {
    expect(await lossFreeRate(100, upTo(70))).toBeLessThanOrEqual(70);
    expect(await lossFreeRate(100, async () => ({ deliveredKpps: 50, lostShare: 0.5 }))).toBe(0);
  });
});
