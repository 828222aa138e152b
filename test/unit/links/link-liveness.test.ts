import { describe, expect, it } from 'vitest';
import {
  startEchoWatch,
  startFastWatch,
  startLinkWatch,
  watchEchoes,
  watchFastPath,
  watchLink,
} from '../../../agent/links/link-liveness.ts';

/** Ticks every 250 ms; `heardAt` is the moment of the last packet heard before each tick. */
function fastVerdicts(
  untilMs: number,
  sentAt: (now: number) => number,
  heardAt: (now: number) => number,
  rttMs: number | null = null,
): string[] {
  let watch = startFastWatch(0);
  const verdicts: string[] = [];
  for (let nowMs = 250; nowMs <= untilMs; nowMs += 250) {
    const signs = {
      nowMs,
      lastSentAgeMs: nowMs - sentAt(nowMs),
      lastReceivedAgeMs: nowMs - heardAt(nowMs),
      rttMs,
    };
    const step = watchFastPath(watch, signs);
    watch = step.watch;
    verdicts.push(`${nowMs} ${step.verdict}`);
  }
  return verdicts;
}

describe('the watch over the fast path', () => {
  it('suspects after 0.5 s without an answer, and gives up after 1 s', () => {
    const verdicts = fastVerdicts(
      2750,
      (now) => now,
      () => 100,
    );
    expect(verdicts.find((text) => text.endsWith('suspect'))).toBe('750 suspect');
    expect(verdicts.find((text) => text.endsWith('lost'))).toBe('1250 lost');
  });

  it('has more patience where answers take long', () => {
    const verdicts = fastVerdicts(
      4000,
      (now) => now,
      () => 100,
      600,
    );
    expect(verdicts.find((text) => text.endsWith('suspect'))).toBe('2750 suspect');
    expect(verdicts.find((text) => text.endsWith('lost'))).toBe('3250 lost');
  });

  it('loses a path whose probes nobody echoes, though the peer is heard', () => {
    let watch = startEchoWatch(0);
    const found: string[] = [];
    for (let nowMs = 250; nowMs <= 2_500; nowMs += 250) {
      const step = watchEchoes(watch, { nowMs, sentFrames: nowMs, rttMs: 2 });
      watch = step.watch;
      found.push(`${nowMs} ${step.verdict}`);
    }
    expect(found.slice(0, 3)).toEqual(['250 alive', '500 ask', '750 ask']);
    expect(found.find((text) => text.endsWith('lost'))).toBe('1750 lost');
  });

  it('counts silence from the first thing sent, not from the last thing heard', () => {
    const verdicts = fastVerdicts(
      9000,
      (now) => (now >= 8600 ? now : 0),
      () => 0,
    );
    expect(verdicts.filter((text) => /suspect|lost/.test(text))).toEqual([]);
  });

  it('is content while answers come, however much is sent', () => {
    expect(
      new Set(
        fastVerdicts(
          20_000,
          (now) => now,
          (now) => now - 40,
        ).map((text) => text.split(' ')[1]),
      ),
    ).toEqual(new Set(['alive']));
  });

  it('asks for a keep-alive in silence that nobody owes an answer to', () => {
    expect(
      fastVerdicts(
        5000,
        () => 0,
        () => 0,
      ).at(-1),
    ).toBe('5000 keep-alive');
  });

  it('does not hold its own standstill against the peer', () => {
    const before = watchFastPath(startFastWatch(0), {
      nowMs: 250,
      lastSentAgeMs: 10,
      lastReceivedAgeMs: 50,
      rttMs: 2,
    });
    const after = watchFastPath(before.watch, {
      nowMs: 5250,
      lastSentAgeMs: 5010,
      lastReceivedAgeMs: 5050,
      rttMs: 2,
    });
    expect(after.verdict).not.toBe('lost');
  });
});

describe('the watch over the link', () => {
  function verdicts(untilMs: number, heardAt: (now: number) => number, inDoubt = false) {
    let watch = startLinkWatch(0);
    const found: Array<[number, string]> = [];
    for (let nowMs = 250; nowMs <= untilMs; nowMs += 250) {
      const step = watchLink(watch, { nowMs, heardMs: heardAt(nowMs), inDoubt });
      watch = step.watch;
      if (step.verdict !== 'alive') found.push([nowMs, step.verdict]);
    }
    return found;
  }

  it('asks every second after 5 s of silence and is dead 8 s later', () => {
    const found = verdicts(13_000, () => 0);
    expect(found.slice(0, 3)).toEqual([
      [5000, 'ask'],
      [6000, 'ask'],
      [7000, 'ask'],
    ]);
    expect(found.at(-1)).toEqual([13_000, 'dead']);
  });

  it('is alive again at the first answer', () => {
    const found = verdicts(16_000, (now) => (now >= 10_000 ? 9_900 : 0));
    expect(found.some(([, verdict]) => verdict === 'dead')).toBe(false);
  });

  it('survives a peer that stands still for five seconds', () => {
    const found = verdicts(20_000, (now) => (now < 5000 ? now : now < 10_000 ? 5000 : now), false);
    expect(found.some(([, verdict]) => verdict === 'dead')).toBe(false);
  });
});
