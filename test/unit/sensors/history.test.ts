import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EnvironmentFault } from '../../../agent/errors.ts';
import { type HistoryEntry, RamHistory } from '../../../sensors/history.ts';
import { HistoryRing } from '../../../sensors/history-ring.ts';
import { Sampler } from '../../../sensors/sampler.ts';
import type { Sensor } from '../../../sensors/sensor.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';
import { RecordingLog } from '../../fakes/recording-log.ts';
import { ScriptedSensor } from '../../fakes/scripted-sensor.ts';

const NOW = { monotonicMs: 1_000_000, wallMs: 5_000_000 };

function filled(count: number, budgetBytes?: number): RamHistory {
  const history = new RamHistory({ now: () => NOW, ...(budgetBytes === undefined ? {} : { budgetBytes }) });
  for (let n = 1; n <= count; n++) history.append('a', n, NOW.monotonicMs - count + n, n);
  return history;
}

describe('history', () => {
  it('gives the newest entries of the time asked for, oldest first, with both clocks', () => {
    expect(filled(3).since('a', 1, 10)).toEqual([
      { seq: 2, timeMs: 4_999_999, ageMs: 1, value: 2, quality: 'ok' },
      { seq: 3, timeMs: 5_000_000, ageMs: 0, value: 3, quality: 'ok' },
    ]);
    expect(
      filled(100)
        .since('a', 1_000, 2)
        .map(({ seq }) => seq),
    ).toEqual([99, 100]);
    expect(filled(3).since('b', 1_000, 10)).toEqual([]);
  });

  it('gives no time while the clock is not set', () => {
    const history = new RamHistory({ now: () => ({ monotonicMs: 10, wallMs: null }) });
    history.append('a', 1, 4, 20);
    expect(history.since('a', 10, 10)).toEqual([
      { seq: 1, timeMs: null, ageMs: 6, value: 20, quality: 'ok' },
    ]);
  });

  it('shows a gap where reads failed', () => {
    const history = filled(1);
    history.append('a', 2, NOW.monotonicMs, null);
    expect(history.since('a', 9, 9).at(-1)).toMatchObject({ value: null, quality: 'error' });
  });

  it('keeps the newest values of each sensor, and never more bytes than its budget', () => {
    const budgetBytes = 24 * 1_000;
    fc.assert(
      fc.property(fc.array(fc.nat(20), { maxLength: 3_000, size: 'max' }), (ids) => {
        const history = new RamHistory({ now: () => NOW, budgetBytes });
        const last = new Map<string, number>();
        for (const [seq, id] of ids.entries()) {
          history.append(`s${id}`, seq, NOW.monotonicMs, seq);
          last.set(`s${id}`, seq);
          expect(history.bytes).toBeLessThanOrEqual(budgetBytes);
        }
        for (const [id, seq] of last) {
          const kept = history.since(id, 0, 10_000);
          // Room for fifteen rings of the smallest size: later sensors have none.
          if (kept.length > 0) expect(kept.at(-1)?.value).toBe(seq);
          expect(kept.every((entry, n) => n === 0 || entry.seq > (kept[n - 1]?.seq ?? 0))).toBe(true);
        }
      }),
      { numRuns: 20 },
    );
  });

  it('gives a newcomer room from the longest ring, and gives back that of a forgotten sensor', () => {
    const budgetBytes = 24 * 512;
    const history = filled(600, budgetBytes);
    expect(history.since('a', 10_000, 10_000)).toHaveLength(512);
    history.append('b', 601, NOW.monotonicMs, 7);
    expect(history.since('b', 10_000, 10)).toHaveLength(1);
    expect(history.since('a', 10_000, 10_000)).toHaveLength(256);
    history.forget('a');
    expect(history.bytes).toBe(24 * 64);
    expect(history.since('a', 10_000, 10)).toEqual([]);
  });

  it('tells listeners of numbers and texts until they leave, and survives one that throws', () => {
    const faults: unknown[] = [];
    const history = new RamHistory({ now: () => NOW, onFault: (error) => faults.push(error) });
    const heard: Array<[string, HistoryEntry]> = [];
    history.onReading(() => {
      throw new RangeError('broken');
    });
    const leave = history.onReading((id, entry) => heard.push([id, entry]));
    history.append('model', 1, NOW.monotonicMs, 'Pi');
    leave();
    history.append('model', 2, NOW.monotonicMs, 'Pi 5');
    expect(heard).toEqual([['model', { seq: 1, timeMs: 5_000_000, ageMs: 0, value: 'Pi', quality: 'ok' }]]);
    expect(faults).toHaveLength(2);
  });

  it('takes 24 bytes a value', () => {
    expect(HistoryRing.ENTRY_BYTES).toBe(24);
  });
});

describe('what the sampler keeps', () => {
  function setUp(sensor: Sensor) {
    const clock = new ManualClock();
    const options = { clock, log: new RecordingLog(), random: () => 0.5, clockSynchronised: () => true };
    const sampler = new Sampler(options);
    return { clock, sampler, tracked: sampler.track([sensor]) };
  }
  const values = (sampler: Sampler, id = 'a') =>
    sampler.history.since(id, 86_400_000, 1_000).map(({ value }) => value);

  it('is every value, and one gap for a row of failures', async () => {
    const sensor = new ScriptedSensor('a');
    const { clock, sampler, tracked } = setUp(sensor);
    await tracked;
    sensor.answer = new EnvironmentFault('device-gone', 'the wire is cut');
    await clock.advance(10_000);
    sensor.answer = 20;
    await clock.advance(5_000);
    expect(values(sampler)).toEqual([20, null, 20]);
  });

  it('is told when the reading says so too', async () => {
    const sensor = new ScriptedSensor('a');
    const { clock, sampler, tracked } = setUp(sensor);
    await tracked;
    const reasons: unknown[] = [];
    sampler.history.onReading((id) => reasons.push(sampler.reading(id)?.reason));
    sensor.answer = new EnvironmentFault('device-gone', 'the wire is cut');
    await clock.advance(5_000);
    sensor.answer = 20;
    await clock.advance(5_000);
    expect(reasons).toEqual(['the wire is cut', null]);
  });

  it('leaves out what stays within the deadband, but not for longer than five minutes', async () => {
    const scripted = new ScriptedSensor('a');
    const sensor: Sensor = {
      id: 'a',
      name: 'a',
      kind: 'scripted',
      unit: 'Cel',
      intervalMs: 5_000,
      deadband: 0.5,
      read: (signal) => scripted.read(signal),
    };
    const { clock, sampler, tracked } = setUp(sensor);
    await tracked;
    for (const answer of [20.4, 20.5, 20.9, 21]) {
      scripted.answer = answer;
      await clock.advance(5_000);
    }
    expect(values(sampler)).toEqual([20, 20.5, 21]);
    expect(sampler.reading('a')).toMatchObject({ value: 21, seq: 5 });
    await clock.advance(295_000);
    expect(values(sampler)).toHaveLength(3);
    await clock.advance(5_000);
    expect(values(sampler)).toEqual([20, 20.5, 21, 21]);
  });
});
