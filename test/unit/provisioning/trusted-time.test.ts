import { describe, expect, it } from 'vitest';
import { TrustedTime } from '../../../provisioning/device/trusted-time.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';

const NOW = Date.UTC(2026, 10, 1);
const MINUTE_MS = 60_000;

describe('trusted time', () => {
  it('rises with the monotonic clock, in whole milliseconds, and is lowered by nothing', async () => {
    const clock = new ManualClock(0);
    const time = new TrustedTime(clock, () => false, NOW);
    await clock.advance(1000.7);
    expect(time.floorMs()).toBe(NOW + 1000);
    time.raise(NOW - MINUTE_MS);
    expect(time.floorMs()).toBe(NOW + 1000);
    time.raise(NOW + MINUTE_MS);
    expect(time.floorMs()).toBe(NOW + MINUTE_MS);
    expect(time.isPast(NOW + MINUTE_MS)).toBe(true);
    expect(time.isPast(NOW + MINUTE_MS + 1)).toBe(false);
  });

  it('shows a wall clock that nobody synchronised once the fleet’s signed time agrees with it', () => {
    const time = new TrustedTime(new ManualClock(NOW), () => false, NOW - MINUTE_MS);
    expect(time.isWallClockRight()).toBe(false);
    time.hear(NOW - 30_000);
    expect(time.isWallClockRight()).toBe(true);
    expect(time.isSynchronised()).toBe(false);
  });

  it('does not show one that starts in 1970, or that is ahead', () => {
    for (const wallMs of [0, NOW + 3_600_000]) {
      const time = new TrustedTime(new ManualClock(wallMs), () => false, NOW);
      time.hear(NOW);
      expect(time.isWallClockRight()).toBe(false);
    }
  });
});
