import { describe, expect, it } from 'vitest';
import {
  answeredUntilMs,
  echoed,
  lossCostMs,
  lostSince,
  newPath,
  type PathCandidate,
  probed,
  roundTripMs,
} from '../../../agent/links/path-candidate.ts';

/** Probes every 500 ms, each with its round trip, or null where no echo came. */
function probedPath(rtts: readonly (number | null)[]): PathCandidate {
  return rtts.reduce<PathCandidate>(
    (path, rttMs, id) => {
      const sent = probed(path, id, id * 500);
      return rttMs === null ? sent : echoed(sent, id, rttMs, id * 500 + rttMs);
    },
    newPath({ address: '192.0.2.1', port: 1 }),
  );
}
const lossOf = (path: PathCandidate, others: readonly PathCandidate[] = []) =>
  lossCostMs(path, answeredUntilMs([path, ...others]));

describe("a path's probes", () => {
  it('are not lost while nothing that was sent later has been answered', () => {
    expect(lossOf(probedPath([1, 1, null, null, null, null]))).toBe(0);
  });

  it('are lost once a later one of the path, or one well after on another path, was answered', () => {
    const quiet = probedPath([1, 1, null, null, null]);
    const other = (sentMs: number) =>
      echoed(probed(newPath({ address: '192.0.2.2', port: 1 }), 9, sentMs), 9, 1, sentMs + 1);
    const lost = (path: PathCandidate, ...others: PathCandidate[]) =>
      lostSince(path, 0, answeredUntilMs([path, ...others]));
    expect(lost(quiet, other(1_000))).toBe(0);
    expect(lost(quiet, other(1_650))).toBe(2);
    expect(lost(quiet, other(2_200))).toBe(3);
    expect(lost(probedPath([1, null, null, 1]))).toBe(2);
  });

  it('are taken back when the echo comes after all', () => {
    const late = echoed(probedPath([1, null, null, 1]), 1, 1_200, 2_000);
    expect(lostSince(late, 0, answeredUntilMs([late]))).toBe(1);
    expect(lossOf(late)).toBe(0);
  });

  it('cost 200 ms a lost one, but for the first; 16 of them are remembered', () => {
    expect(lossOf(probedPath([1, 1, null, 1]))).toBe(0);
    expect(lossOf(probedPath([1, null, null, 1]))).toBe(50);
    expect(lossOf(probedPath([null, null, null, ...Array(15).fill(1)]))).toBe(0);
    expect(lossOf(probedPath([null, null, null, ...Array(13).fill(1)]))).toBe(25);
  });

  it('tell the round trip by the least of the last ones', () => {
    const path = probedPath([30, 2, 250, 40]);
    expect(roundTripMs(path, 2_000)).toBe(2);
    expect(path.rttMs).toBeGreaterThan(30);
    const slower = probedPath([2, ...Array(16).fill(30)]);
    expect(roundTripMs(slower, 9_000)).toBe(30);
  });

  it('prove nothing before the first echo, and nothing 12 s after the last', () => {
    expect(roundTripMs(probedPath([null, null]), 1_000)).toBeNull();
    expect(roundTripMs(probedPath([1]), 12_001)).toBe(1);
    expect(roundTripMs(probedPath([1]), 12_002)).toBeNull();
  });

  it('that are not counted prove the path and its smoothed round trip all the same', () => {
    const path = echoed(probedPath([1, null, null]), 77, 9, 5_000);
    expect(path.probes).toHaveLength(3);
    expect(path).toMatchObject({ rttMs: 2, echoedAtMs: 5_000 });
  });
});
