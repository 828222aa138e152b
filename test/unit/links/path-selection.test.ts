import { describe, expect, it } from 'vitest';
import { echoed, newPath, type PathCandidate, probed } from '../../../agent/links/path-candidate.ts';
import {
  choosePath,
  holdAfter,
  NO_HOLD,
  type PathChoice,
  searchDelayMs,
} from '../../../agent/links/path-selection.ts';

const NOW_MS = 10_000;

/** 16 probes, the last one at `atMs` and answered, of which so many before it were lost. */
function path(rttMs: number, atMs = NOW_MS - 100, lost = 0): PathCandidate {
  let made = newPath({ address: '192.0.2.1', port: 1 });
  for (let id = 0; id < 16; id++) {
    const sentMs = atMs - 100 * (15 - id);
    made = probed(made, id, sentMs);
    if (id >= lost) made = echoed(made, id, rttMs, sentMs + rttMs);
  }
  return made;
}

const choose = (
  paths: Record<string, PathCandidate>,
  current: string | null,
  more: Partial<PathChoice> = {},
) =>
  choosePath({
    paths: new Map(Object.entries(paths)),
    current,
    nowMs: NOW_MS,
    doubtedSinceMs: null,
    hold: NO_HOLD,
    ...more,
  });
const HELD = { lengthMs: 2_000, untilMs: NOW_MS + 1 };

describe('path selection', () => {
  it('takes nothing that has not echoed', () => {
    expect(choose({ a: newPath({ address: '192.0.2.1', port: 1 }) }, null)).toBeNull();
  });

  it('takes the shortest, and counts loss as distance', () => {
    expect(choose({ a: path(30), b: path(10) }, null)).toBe('b');
    expect(choose({ a: path(30), b: path(20, NOW_MS, 8) }, null)).toBe('a');
  });

  it('leaves a path that loses frames, however short, but not for a single one', () => {
    expect(choose({ a: path(0.3, 9_900, 1), b: path(0.3) }, 'a')).toBe('a');
    expect(choose({ a: path(0.3, 9_900, 2), b: path(0.3) }, 'a')).toBe('b');
    expect(choose({ a: path(0.3, 9_900, 2), b: path(100) }, 'a')).toBe('a');
  });

  it('does not move for a small gain', () => {
    expect(choose({ a: path(30), b: path(27) }, 'a')).toBe('a');
    expect(choose({ a: path(0.9), b: path(0.1) }, 'a')).toBe('a');
    expect(choose({ a: path(30), b: path(10) }, 'a')).toBe('b');
  });

  it('does not move again soon, except from a path that loses frames to one that loses none', () => {
    expect(choose({ a: path(30), b: path(10) }, 'a', { hold: HELD })).toBe('a');
    expect(choose({ a: path(30, 9_900, 4), b: path(10, 9_900, 2) }, 'a', { hold: HELD })).toBe('a');
    expect(choose({ a: path(30, 9_900, 4), b: path(10, 9_900, 1) }, 'a', { hold: HELD })).toBe('b');
    expect(choose({ a: path(30), b: path(10) }, 'a', { hold: { ...HELD, untilMs: NOW_MS } })).toBe('b');
  });

  it('holds on twice as long after each move, up to five minutes, until there was none for a minute', () => {
    let hold = holdAfter(NO_HOLD, 0);
    const lengths = [hold.lengthMs];
    for (let moves = 1; moves < 10; moves++) {
      hold = holdAfter(hold, hold.untilMs);
      lengths.push(hold.lengthMs);
    }
    expect(lengths).toEqual([2, 4, 8, 16, 32, 64, 128, 256, 300, 300].map((s) => s * 1_000));
    expect(holdAfter(hold, hold.untilMs + 59_999).lengthMs).toBe(300_000);
    expect(holdAfter(hold, hold.untilMs + 60_000).lengthMs).toBe(2_000);
  });

  it('leaves a doubted path when two probes since are lost, for one that was proven since', () => {
    const doubted = (lost: number) => {
      let made = path(1, 9_000);
      for (let id = 16; id < 16 + lost; id++) made = probed(made, id, 9_100 + id);
      return made;
    };
    const since = { doubtedSinceMs: 9_050 };
    expect(choose({ a: doubted(2), b: path(30, 9_950) }, 'a', since)).toBe('b');
    expect(choose({ a: doubted(1), b: path(30, 9_950) }, 'a', since)).toBe('a');
    expect(choose({ a: doubted(2), b: path(30, 9_000) }, 'a', since)).toBe('a');
    expect(choose({ a: doubted(2), b: path(30, 9_950) }, 'a')).toBe('a');
  });

  it('does not take what is late for lost: echoes that come all at once move nothing', () => {
    const late = (probes: number) => {
      let made = path(1, 8_000);
      for (let id = 16; id < 16 + probes; id++) made = probed(made, id, 8_000 + 250 * (id - 15));
      return made;
    };
    const first = echoed(late(6), 16, 1_700, NOW_MS);
    for (const since of [null, 8_100]) {
      expect(choose({ a: late(6), b: first }, 'a', { doubtedSinceMs: since })).toBe('a');
    }
  });

  it('keeps a path whose echo is old while no other is proven', () => {
    const other = newPath({ address: '192.0.2.2', port: 1 });
    expect(choose({ a: path(1, 0), b: other }, 'a', { nowMs: 60_000 })).toBe('a');
  });

  it('searches quickly at first and ever more rarely after, up to every 30 s', () => {
    const delays = Array.from({ length: 40 }, (_, round) => searchDelayMs(round, false));
    expect(delays[0]).toBe(20);
    expect([...delays].sort((a, b) => a - b)).toEqual(delays);
    expect(delays.at(-1)).toBe(30_000);
  });

  it('goes on searching often where something answered before', () => {
    expect(searchDelayMs(0, true)).toBe(20);
    expect(searchDelayMs(100, true)).toBeLessThanOrEqual(1_000);
  });
});
