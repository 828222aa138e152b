import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LogLevel, openTextLog } from '../../../agent/adapters/text-log.ts';
import type { Log } from '../../../agent/ports/log.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';

function open(format: 'text' | 'json', level: LogLevel = 'debug'): { log: Log; lines: string[] } {
  const lines: string[] = [];
  const clock = new ManualClock(Date.UTC(2026, 10, 1, 12));
  return { log: openTextLog({ write: (line) => lines.push(line), format, level, clock }), lines };
}

describe('the log as text', () => {
  it('is one line with time, level, event and fields; undefined fields are left out', () => {
    const { log, lines } = open('text');
    log.info('link.up', { peer: 'greenhouse', rttMs: 1.5, fast: true, problem: null, cipher: undefined });
    log.error('bare');
    expect(lines).toEqual([
      '2026-11-01T12:00:00.000Z info  link.up peer=greenhouse rttMs=1.5 fast=true problem=null\n',
      '2026-11-01T12:00:00.000Z error bare\n',
    ]);
  });

  it('quotes what is not one plain word', () => {
    const { log, lines } = open('text');
    log.warn('x', { a: 'two words', b: '', c: 'a=b', d: 'say "hi"', e: '[fd12::7]:40000' });
    expect(lines[0]).toContain('a="two words" b="" c="a=b" d="say \\"hi\\"" e=[fd12::7]:40000\n');
  });

  it('leaves out what is below its level', () => {
    const { log, lines } = open('text', 'warn');
    for (const level of ['debug', 'info', 'warn', 'error'] as const) log[level](level);
    expect(lines.map((line) => line.split(' ').at(-1))).toEqual(['warn\n', 'error\n']);
  });

  it('cuts what is too long to be told', () => {
    const { log, lines } = open('text');
    log.info('x', { words: 'y'.repeat(100_000) });
    expect(lines[0]?.length).toBeLessThan(1200);
    expect(lines[0]).toContain('y…');
  });
});

describe('the log as JSON', () => {
  it('has the fields beside time, level and event, which no field can replace', () => {
    const { log, lines } = open('json');
    log.info('link.up', { peer: 'a', rttMs: 2, level: 'forged', event: 'forged' });
    expect(JSON.parse(lines[0] ?? '')).toEqual({
      at: '2026-11-01T12:00:00.000Z',
      level: 'info',
      event: 'link.up',
      peer: 'a',
      rttMs: 2,
    });
  });
});

describe('the log under hostile words', () => {
  const words = fc.string({ unit: 'binary', maxLength: 60 });

  it('writes one line of visible characters whatever a peer says, and JSON gives it back', () => {
    fc.assert(
      fc.property(words, fc.constantFrom('text', 'json'), (said, format) => {
        const { log, lines } = open(format as 'text' | 'json');
        log.info('x', { said });
        expect(lines).toHaveLength(1);
        expect(lines[0]).toMatch(/^[^\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]*\n$/u);
        if (format === 'json') expect(JSON.parse(lines[0] ?? '')).toMatchObject({ said });
      }),
    );
  });
});
