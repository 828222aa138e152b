import { describe, expect, it } from 'vitest';
import { Sampler } from '../../../sensors/sampler.ts';
import { type SamplingRule, withSamplingRules } from '../../../sensors/sampling-rules.ts';
import type { SensorDriver } from '../../../sensors/sensor.ts';
import { FakeSysfs } from '../../fakes/fake-sysfs.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';
import { RecordingLog } from '../../fakes/recording-log.ts';
import { ScriptedSensor } from '../../fakes/scripted-sensor.ts';
import { discover } from './raspberry-pi.ts';

const scripted = new ScriptedSensor('a');

async function setUp(rules: SamplingRule[]) {
  const clock = new ManualClock();
  const sensor = new ScriptedSensor('a');
  const driver: SensorDriver = { kind: 'scripted', discover: async () => [sensor, scripted].slice(0, 1) };
  const [ruled] = withSamplingRules([driver], rules, clock);
  if (!ruled) throw new RangeError('no driver came back');
  const options = { clock, log: new RecordingLog(), random: () => 0.5, clockSynchronised: () => true };
  const sampler = new Sampler(options);
  const track = async () => sampler.track(await discover(ruled, new FakeSysfs()));
  await track();
  return { clock, sensor, sampler, track };
}

describe('sampling rules', () => {
  it('leave a sensor alone that none names', async () => {
    const { sampler } = await setUp([{ id: 'b', intervalMs: 100 }]);
    expect(sampler.readings().map(({ id }) => id)).toEqual(['a']);
  });

  it('change the interval', async () => {
    const { clock, sensor } = await setUp([{ id: 'a', intervalMs: 1_000 }]);
    await clock.advance(3_000);
    expect(sensor.reads).toBe(4);
  });

  it('give a deadband', async () => {
    const { clock, sensor, sampler } = await setUp([{ id: 'a', deadband: 1 }]);
    sensor.answer = 20.9;
    await clock.advance(5_000);
    sensor.answer = 21;
    await clock.advance(5_000);
    expect(sampler.history.since('a', 60_000, 10).map(({ value }) => value)).toEqual([20, 21]);
  });

  it('sum a window up as three sensors, which go on when the sensor is found again', async () => {
    const { clock, sensor, sampler, track } = await setUp([{ id: 'a', windowMs: 20_000 }]);
    const summary = () => ['a-min', 'a-max', 'a-mean'].map((id) => sampler.reading(id)?.value);
    await clock.advance(100);
    await track();
    for (const answer of [10, 30, 40, 50]) {
      sensor.answer = answer;
      await clock.advance(5_000);
    }
    expect(sampler.reading('a-mean')).toMatchObject({ unit: 'Cel', quality: 'ok', kind: 'scripted' });
    const [min, max, mean] = summary();
    expect([min, max]).toEqual([10, 40]);
    // The sample that falls on the window's end belongs to the next one.
    expect(mean).toBeCloseTo((10 + 30 + 40) / 3);
  });

  it('say why a window has no summary', async () => {
    const { clock, sensor, sampler } = await setUp([{ id: 'a', windowMs: 10_000 }]);
    sensor.answer = 'hang';
    await clock.advance(60_000);
    expect(sampler.reading('a-max')).toMatchObject({ quality: 'stale' });
    expect(sampler.reading('a-max')?.reason).toBe('no value came within the last 10000 ms');
  });
});
