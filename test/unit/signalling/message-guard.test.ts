import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RateCap, REPLAY_WINDOW, ReplayGuard } from '../../../agent/signalling/message-guard.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';

describe('the replay guard', () => {
  it('accepts every sequence at most once, in whatever order, and none from below its window', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 400 }), (sequences) => {
        const guard = new ReplayGuard();
        const accepted = new Set<number>();
        let highest = -1;
        for (const sequence of sequences) {
          const wanted = !accepted.has(sequence) && sequence > highest - REPLAY_WINDOW;
          expect(guard.accept('sender', sequence)).toBe(wanted);
          if (wanted) accepted.add(sequence);
          highest = Math.max(highest, sequence);
        }
      }),
    );
  });

  it('keeps senders apart', () => {
    const guard = new ReplayGuard();
    expect(guard.accept('a', 5)).toBe(true);
    expect(guard.accept('b', 5)).toBe(true);
    expect(guard.accept('a', 5)).toBe(false);
  });
});

describe('the rate cap', () => {
  it('lets a burst through, then the rate', async () => {
    const clock = new ManualClock();
    const cap = new RateCap(10, 3, clock);
    expect([1, 2, 3, 4].map(() => cap.take())).toEqual([true, true, true, false]);
    await clock.advance(100);
    expect([cap.take(), cap.take()]).toEqual([true, false]);
  });
});
