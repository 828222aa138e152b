import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RateLimit } from '../../../sensors/rate-limit.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';

describe('rate limit', () => {
  it('gives as many at once as its burst, and then its rate, to each client by itself', async () => {
    const clock = new ManualClock();
    const limit = new RateLimit(clock, { perSecond: 10, burst: 3 });
    expect([1, 2, 3].map(() => limit.take('a'))).toEqual([0, 0, 0]);
    expect(limit.take('a')).toBe(100);
    expect(limit.take('b')).toBe(0);
    await clock.advance(99);
    expect(limit.take('a')).toBe(1);
    await clock.advance(1);
    expect(limit.take('a')).toBe(0);
    expect(limit.take('a')).toBe(100);
  });

  it('never gives more than burst and rate allow, whatever the pauses', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(500), { maxLength: 50 }), async (pausesMs) => {
        const clock = new ManualClock();
        const limit = new RateLimit(clock, { perSecond: 5, burst: 4 });
        let given = 0;
        for (const pauseMs of pausesMs) {
          await clock.advance(pauseMs);
          if (limit.take('a') === 0) given++;
        }
        expect(given).toBeLessThanOrEqual(4 + (clock.monotonicMs() / 1_000) * 5 + 1e-6);
      }),
    );
  });

  it('remembers a bounded number of clients', () => {
    const limit = new RateLimit(new ManualClock(), { perSecond: 1, burst: 1 });
    expect(limit.take('first')).toBe(0);
    expect(limit.take('first')).toBe(1_000);
    for (let n = 0; n < 1_024; n++) limit.take(`client ${n}`);
    expect(limit.take('first')).toBe(0);
  });
});
