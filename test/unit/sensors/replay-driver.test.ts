import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EnvironmentFault } from '../../../agent/errors.ts';
import { readRecording } from '../../../sensors/drivers/replay/recording.ts';
import { type ReplaySetting, replayDriver } from '../../../sensors/drivers/replay/replay-driver.ts';
import { FakeSysfs } from '../../fakes/fake-sysfs.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';
import { discover, NO_FACTS, readOnce } from './raspberry-pi.ts';

const SETTING: ReplaySetting = { name: 'air', unit: 'Cel', intervalMs: 1_000, loop: true, speed: 1 };

async function replayed(setting: Partial<ReplaySetting>, text = '') {
  const clock = new ManualClock();
  const files = { read: async () => text };
  const [sensor] = await discover(
    replayDriver([{ ...SETTING, ...setting }], files),
    new FakeSysfs(),
    NO_FACTS,
    clock,
  );
  const values: unknown[] = [];
  for (let second = 0; second < 8; second++) {
    values.push(await readOnce(sensor).catch((error: EnvironmentFault) => error.code));
    await clock.advance(1_000);
  }
  return { sensor, values };
}

describe('replay driver', () => {
  it('plays a series at the interval of the sensor, again and again', async () => {
    const { sensor, values } = await replayed({ series: [20, 21, 22] });
    expect(sensor).toMatchObject({ id: 'replay-air', unit: 'Cel', intervalMs: 1_000 });
    expect(values).toEqual([20, 21, 22, 20, 21, 22, 20, 21]);
  });

  it('ends with an error where it is not to begin anew', async () => {
    const { values } = await replayed({ series: [20, 21], loop: false });
    expect(values.slice(0, 3)).toEqual([20, 21, 'recording-over']);
  });

  it('plays a file in its own time, at any speed', async () => {
    const csv = 'time,value\r\n100,1\n102,2\n103,3\n106,4\n';
    expect((await replayed({ file: '/r.csv' }, csv)).values).toEqual([1, 1, 2, 3, 3, 3, 4, 4]);
    expect((await replayed({ file: '/r.csv', speed: 2 }, csv)).values).toEqual([1, 2, 3, 4, 1, 2, 3, 4]);
  });

  it('plays what "tincan watch --json" printed of one sensor', async () => {
    const line = (id: string, seconds: number, value: unknown) =>
      JSON.stringify({ device: 'a', id, value, time: `2026-11-23T14:00:0${seconds}.000Z`, unit: 'Cel' });
    const recording = [
      line('air', 0, 20),
      line('soil', 1, 9),
      '{"device":"a","problem":"no answer"}',
      line('air', 2, 21),
      line('air', 3, null),
      '',
    ].join('\n');
    expect((await replayed({ file: '/r', sensor: 'air' }, recording)).values.slice(0, 5)).toEqual([
      20, 20, 21, 21, 20,
    ]);
  });

  it('holds a single value for ever, and plays texts', async () => {
    expect((await replayed({ series: [7] })).values.at(-1)).toBe(7);
    expect((await replayed({ series: ['on', 'off'], unit: undefined })).values.slice(0, 2)).toEqual([
      'on',
      'off',
    ]);
    expect((await replayed({ series: ['on'] })).values[0]).toBe('bad-recording');
  });
});

describe('a bad recording', () => {
  it.each([
    ['', 'recording /r: holds no value'],
    ['time,value\n', 'recording /r: holds no value'],
    ['1,2\n0,3', 'recording /r: line 2 is earlier than the one before it: sort it by time'],
    ['1,2,3', 'recording /r: line 1 is no CSV of time,value with a number as value'],
    ['1,hot', 'recording /r: line 1 is no CSV of time,value with a number as value'],
    ['noon,1', 'recording /r: line 1 has no time: give seconds, or a date such as 2026-11-23T14:00:00Z'],
    ['{"time":1,"value":2}\n{"time":', 'recording /r: line 2 is no JSON object'],
    ['{"time":1}', 'recording /r: line 1 has no "value" that is a number, or text of at most 256 characters'],
    ['{"time":null,"value":1}', 'recording /r: line 1 has no time: give seconds, or a date'],
  ])('%j is refused with one sentence', (text, sentence) => {
    expect(() => readRecording(text, '/r', undefined)).toThrow(sentence);
  });

  it('never throws anything else', () => {
    const line = fc.oneof(fc.string(), fc.json(), fc.tuple(fc.double(), fc.double()).map(String));
    fc.assert(
      fc.property(fc.array(line), fc.option(fc.constant('air'), { nil: undefined }), (lines, sensor) => {
        try {
          const { times, values } = readRecording(lines.join('\n'), '/r', sensor);
          expect(times[0]).toBe(0);
          expect(times).toHaveLength(values.length);
        } catch (error) {
          expect(error).toBeInstanceOf(EnvironmentFault);
        }
      }),
    );
  });
});
