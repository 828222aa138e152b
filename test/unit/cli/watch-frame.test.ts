import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import { fitted } from '../../../agent/cli/terminal-text.ts';
import { WatchBoard } from '../../../agent/cli/watch-board.ts';
import { watchFrame } from '../../../agent/cli/watch-frame.ts';
import type { MemberReport } from '../../../agent/ports/agent-control.ts';
import type { Reading } from '../../../sensors/reading.ts';

const member = (name: string): MemberReport => ({
  id: name,
  name,
  ip4: '10.64.0.3',
  ip6: 'fd12::3',
  tags: [],
  self: false,
  sensors: 'http://10.64.0.3/',
});
const reading = (id: string, changes: Partial<Reading> = {}): Reading => ({
  id,
  name: id,
  kind: 'temperature',
  value: 21.5,
  unit: 'Cel',
  time: null,
  ageMs: 100,
  quality: 'ok',
  reason: null,
  seq: 1,
  ...changes,
});

function board() {
  let nowMs = 0;
  const watched = new WatchBoard(() => nowMs);
  for (const name of ['greenhouse', 'cellar']) watched.add(member(name));
  const pass = (ms: number) => {
    nowMs += ms;
  };
  const frame = (columns = 80, rows = 24, order: 'device' | 'state' | 'sensor' = 'device') =>
    watchFrame(watched.devices(), watched.rows(order), { columns, rows }, false);
  return { watched, pass, frame };
}

describe('the frame of tincan watch', () => {
  it('says what it waits for', () => {
    expect(board().frame()).toEqual([
      'tincan watch: 0 of 2 devices live, 2 connecting, 0 sensors (Ctrl-C ends)',
      '',
    ]);
  });

  it('lets ages grow, and marks what is not well', () => {
    const { watched, pass, frame } = board();
    watched.connected('greenhouse');
    watched.lost('cellar', 'no answer');
    watched.reading('greenhouse', reading('air'));
    watched.reading('cellar', reading('wall', { quality: 'stale', reason: 'gone' }));
    pass(5_000);
    const [headline, problem, , head, ...rows] = frame();
    expect(headline).toBe('tincan watch: 1 of 2 devices live, 2 sensors, 1 not ok (Ctrl-C ends)');
    expect(problem).toBe('cellar (10.64.0.3): no answer');
    expect(head).toMatch(/^device +sensor +value +age +state$/);
    expect(rows[0]).toMatch(/^cellar +wall +21\.5 °C +5\.1 s +lost$/);
    expect(rows[1]).toMatch(/^greenhouse +air +21\.5 °C +5\.1 s +ok$/);
  });

  it('puts the worst first where it is told to', () => {
    const { watched, frame } = board();
    watched.reading('cellar', reading('a'));
    watched.reading('greenhouse', reading('b', { quality: 'error', value: null, reason: 'no read' }));
    expect(frame(80, 24, 'state').at(-2)).toMatch(/^greenhouse +b +– +0\.1 s +error: no read$/);
    expect(frame(80, 24, 'sensor').at(-1)).toMatch(/^greenhouse +b/);
  });

  it('forgets the sensors of a device that was started again', () => {
    const { watched } = board();
    watched.reading('cellar', reading('a'));
    watched.restarted('cellar');
    expect(watched.rows('device')).toEqual([]);
  });

  it.each([
    [80, 24],
    [40, 10],
    [10, 3],
    [1, 1],
  ])('never leaves a terminal of %i columns and %i rows', (columns, rows) => {
    const { watched, frame } = board();
    for (let at = 0; at < 100; at++) watched.reading('cellar', reading(`温度-${at}-🌡️`, { name: '🌡️' }));
    watched.lost('greenhouse', '長い'.repeat(60));
    const lines = frame(columns, rows);
    expect(lines.length).toBeLessThanOrEqual(rows);
    for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(columns);
  });
});

describe('fitted', () => {
  it('cuts by columns, not by characters', () => {
    expect(fitted('abcdef', 6)).toBe('abcdef');
    expect(fitted('abcdef', 4)).toBe('abc…');
    expect(fitted('温度計です', 5)).toBe('温度…');
  });
});
