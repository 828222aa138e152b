import { describe, expect, it } from 'vitest';
import {
  choosePath,
  echoed,
  newPath,
  type PathCandidate,
  probed,
  searchDelayMs,
} from '../../../agent/links/path-selection.ts';

const path = (rttMs: number, atMs: number, loss = 0): PathCandidate => ({
  ...echoed(probed(newPath({ address: '192.0.2.1', port: 1 })), rttMs, atMs),
  probes: 16,
  echoes: 16 * (1 - loss),
});
const choose = (
  paths: Record<string, PathCandidate>,
  current: string | null,
  nowMs = 1000,
  doubtedSinceMs: number | null = null,
) => choosePath({ paths: new Map(Object.entries(paths)), current, nowMs, doubtedSinceMs });

describe('path selection', () => {
  it('takes nothing that has not echoed', () => {
    expect(choose({ a: newPath({ address: '192.0.2.1', port: 1 }) }, null)).toBeNull();
  });

  it('takes the shortest, and counts loss as distance', () => {
    expect(choose({ a: path(30, 900), b: path(10, 900) }, null)).toBe('b');
    expect(choose({ a: path(30, 900), b: path(20, 900, 0.5) }, null)).toBe('a');
  });

  it('leaves a path that loses frames, however short, but not for a single one', () => {
    expect(choose({ a: path(0.3, 900, 1 / 16), b: path(0.3, 900) }, 'a')).toBe('a');
    expect(choose({ a: path(0.3, 900, 2 / 16), b: path(0.3, 900) }, 'a')).toBe('b');
    expect(choose({ a: path(0.3, 900, 2 / 16), b: path(100, 900) }, 'a')).toBe('a');
  });

  it('does not move for a small gain', () => {
    expect(choose({ a: path(30, 900), b: path(27, 900) }, 'a')).toBe('a');
    expect(choose({ a: path(0.9, 900), b: path(0.1, 900) }, 'a')).toBe('a');
    expect(choose({ a: path(30, 900), b: path(10, 900) }, 'a')).toBe('b');
  });

  it('leaves a doubted path for one that was proven since', () => {
    expect(choose({ a: path(1, 500), b: path(30, 950) }, 'a', 1000, 900)).toBe('b');
    expect(choose({ a: path(1, 500), b: path(30, 800) }, 'a', 1000, 900)).toBe('a');
  });

  it('keeps a path whose echo is old while no other is proven', () => {
    expect(choose({ a: path(1, 0), b: newPath({ address: '192.0.2.2', port: 1 }) }, 'a', 60_000)).toBe('a');
  });

  it('searches quickly at first and ever more rarely after, up to every 30 s', () => {
    const delays = Array.from({ length: 40 }, (_, round) => searchDelayMs(round, false));
    expect(delays[0]).toBe(20);
    expect([...delays].sort((a, b) => a - b)).toEqual(delays);
    expect(delays.at(-1)).toBe(30_000);
  });

  it('goes on searching often where something answered before', () => {
    expect(searchDelayMs(0, true)).toBe(20);
    expect(searchDelayMs(100, true)).toBeLessThanOrEqual(1_500);
  });
});
