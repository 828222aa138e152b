import { describe, expect, it } from 'vitest';
import { EnvironmentFault } from '../../../agent/errors.ts';
import { Sampler } from '../../../sensors/sampler.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';
import { RecordingLog } from '../../fakes/recording-log.ts';
import { ScriptedSensor } from '../../fakes/scripted-sensor.ts';

/** `random` of one half means no jitter. */
function setUp(random = () => 0.5) {
  const clock = new ManualClock();
  const log = new RecordingLog();
  const synchronised = { now: true };
  const sampler = new Sampler({ clock, log, random, clockSynchronised: () => synchronised.now });
  return { clock, log, sampler, synchronised };
}

describe('sampler', () => {
  it('reads at once, so that a value is there before the first interval ends', async () => {
    const { sampler, clock } = setUp();
    await sampler.track([new ScriptedSensor('a')]);
    expect(sampler.readings()).toEqual([
      {
        id: 'a',
        name: 'Scripted a',
        kind: 'scripted',
        value: 20,
        unit: 'Cel',
        time: new Date(clock.wallMs()).toISOString(),
        ageMs: 0,
        quality: 'ok',
        reason: null,
        seq: 1,
      },
    ]);
  });

  it('reads again at the interval, and tells the age in between', async () => {
    const { sampler, clock } = setUp();
    const sensor = new ScriptedSensor('a');
    await sampler.track([sensor]);
    sensor.answer = 21;
    await clock.advance(4_999);
    expect(sampler.reading('a')).toMatchObject({ value: 20, ageMs: 4_999, seq: 1 });
    await clock.advance(1);
    expect(sampler.reading('a')).toMatchObject({ value: 21, ageMs: 0, seq: 2 });
  });

  it.each([
    ['shortest', 0, 4_500],
    ['longest', 0.999999, 5_500],
  ])('keeps the %s wait within a tenth of the interval', async (_, random, waitMs) => {
    const { sampler, clock } = setUp(() => random);
    const sensor = new ScriptedSensor('a');
    await sampler.track([sensor]);
    await clock.advance(waitMs - 1);
    expect(sensor.reads).toBe(1);
    await clock.advance(1);
    expect(sensor.reads).toBe(2);
  });

  it('gives no time while the clock is not set, and the right one for an old value once it is', async () => {
    const { sampler, clock, synchronised } = setUp();
    synchronised.now = false;
    const takenAt = clock.wallMs();
    await sampler.track([new ScriptedSensor('a')]);
    await clock.advance(1_000);
    expect(sampler.reading('a')).toMatchObject({ time: null, ageMs: 1_000, quality: 'ok' });
    synchronised.now = true;
    expect(sampler.reading('a')?.time).toBe(new Date(takenAt).toISOString());
  });

  it('keeps the last value through failures, and calls it stale after three intervals', async () => {
    const { sampler, clock, log } = setUp();
    const sensor = new ScriptedSensor('a');
    await sampler.track([sensor]);
    sensor.answer = new EnvironmentFault('device-gone', 'the wire is cut');
    await clock.advance(15_000);
    expect(sampler.reading('a')).toMatchObject({
      value: 20,
      ageMs: 15_000,
      quality: 'ok',
      reason: 'the wire is cut',
    });
    await clock.advance(1);
    expect(sampler.reading('a')).toMatchObject({ value: 20, quality: 'stale', reason: 'the wire is cut' });
    expect(log.of('sensor.failed')).toEqual([{ sensor: 'a', problem: 'the wire is cut' }]);
  });

  it('recovers by itself, and says so once', async () => {
    const { sampler, clock, log } = setUp();
    const sensor = new ScriptedSensor('a');
    sensor.answer = new EnvironmentFault('no-data', 'no data yet');
    await sampler.track([sensor]);
    expect(sampler.reading('a')).toMatchObject({
      value: null,
      ageMs: null,
      time: null,
      quality: 'error',
      seq: 0,
    });
    expect(sampler.reading('a')?.reason).toBe('no data yet');
    sensor.answer = 22;
    await clock.advance(10_000);
    expect(sampler.reading('a')).toMatchObject({ value: 22, quality: 'ok', reason: null });
    expect(log.of('sensor.recovered')).toEqual([{ sensor: 'a' }]);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])(
    'takes %d for a failure, not for a value',
    async (value) => {
      const { sampler } = setUp();
      const sensor = new ScriptedSensor('a');
      sensor.answer = value;
      await sampler.track([sensor]);
      expect(sampler.reading('a')).toMatchObject({ value: null, quality: 'error' });
      expect(sampler.reading('a')?.reason).toContain('which is not a measurement');
    },
  );

  it('never delays a sensor because another one hangs', async () => {
    const { sampler, clock } = setUp();
    const [hanging, fine] = [new ScriptedSensor('hanging'), new ScriptedSensor('fine')];
    hanging.answer = 'hang';
    const tracked = sampler.track([hanging, fine]);
    await clock.advance(1_999);
    expect(sampler.reading('hanging')).toMatchObject({
      quality: 'error',
      reason: 'it has not been read yet',
    });
    await clock.advance(1);
    await tracked;
    expect(sampler.reading('hanging')?.reason).toBe('hanging gave no answer within 2000 ms');
    expect(hanging.lastSignal?.aborted).toBe(true);
    await clock.advance(98_000);
    expect(fine.reads).toBe(21);
    expect(sampler.reading('fine')).toMatchObject({ quality: 'ok', ageMs: 0 });
  });

  it('never reads a sensor a second time while the first read hangs, drops the late value, then goes on', async () => {
    const { sampler, clock } = setUp();
    const sensor = new ScriptedSensor('a');
    await sampler.track([sensor]);
    sensor.answer = 'hang';
    await clock.advance(60_000);
    expect(sensor.mostInFlight).toBe(1);
    expect(sensor.reads).toBe(2);
    expect(sampler.reading('a')).toMatchObject({ value: 20, quality: 'stale', ageMs: 60_000 });
    sensor.answer = 23;
    sensor.release(99);
    await clock.settle();
    expect(sampler.reading('a')?.value).toBe(20);
    await clock.advance(5_000);
    expect(sampler.reading('a')).toMatchObject({ value: 23, quality: 'ok', reason: null });
  });

  it('does not wait a long interval after a failure, and asks less and less often', async () => {
    const { sampler, clock } = setUp();
    const sensor = new ScriptedSensor('a', 86_400_000);
    sensor.answer = 'hang';
    void sampler.track([sensor]);
    await clock.advance(7_000);
    expect(sensor.reads).toBe(1);
    sensor.answer = new EnvironmentFault('gone', 'it is gone');
    sensor.release(1);
    await clock.advance(60_000);
    expect(sensor.reads).toBeLessThan(5);
    sensor.answer = 7;
    await clock.advance(160_000);
    expect(sampler.reading('a')).toMatchObject({ value: 7, quality: 'ok' });
    const { reads } = sensor;
    await clock.advance(3_600_000);
    expect(sensor.reads).toBe(reads);
  });

  it('limits a read to the interval where that is shorter than the usual limit', async () => {
    const { sampler, clock } = setUp();
    const sensor = new ScriptedSensor('a', 100);
    sensor.answer = 'hang';
    void sampler.track([sensor]);
    await clock.advance(100);
    expect(sampler.reading('a')?.reason).toBe('a gave no answer within 100 ms');
  });

  it('numbers the values of all sensors in one row', async () => {
    const { sampler, clock } = setUp();
    await sampler.track([new ScriptedSensor('a'), new ScriptedSensor('b')]);
    await clock.advance(5_000);
    expect(sampler.readings().map(({ seq }) => seq)).toEqual([3, 4]);
  });

  it('takes up new sensors without disturbing the known ones', async () => {
    const { sampler, clock } = setUp();
    const first = new ScriptedSensor('a');
    await sampler.track([first]);
    await clock.advance(2_000);
    const again = new ScriptedSensor('a');
    again.answer = 30;
    await sampler.track([again, new ScriptedSensor('b')]);
    expect(sampler.reading('a')).toMatchObject({ value: 20, ageMs: 2_000 });
    expect(sampler.reading('b')).toMatchObject({ value: 20, ageMs: 0 });
    await clock.advance(3_000);
    expect(sampler.reading('a')).toMatchObject({ value: 30, ageMs: 0 });
    expect(first.reads).toBe(1);
  });

  it('lists a sensor that has gone for ten minutes more, then forgets it', async () => {
    const { sampler, clock, log } = setUp();
    const sensor = new ScriptedSensor('a');
    await sampler.track([sensor]);
    sensor.answer = new EnvironmentFault('device-gone', 'gone');
    await sampler.track([]);
    await clock.advance(599_999);
    await sampler.track([]);
    expect(sampler.reading('a')).toMatchObject({ value: 20, quality: 'stale', reason: 'gone' });
    await clock.advance(1);
    await sampler.track([]);
    expect(sampler.reading('a')).toBeNull();
    expect(log.of('sensor.forgotten')).toEqual([{ sensor: 'a' }]);
    expect(clock.pending()).toBe(0);
  });

  it('leaves no timer and changes nothing after stop, not even when a hanging read ends', async () => {
    const { sampler, clock, log } = setUp();
    const sensor = new ScriptedSensor('a');
    sensor.answer = 'hang';
    const tracked = sampler.track([sensor]);
    sampler.stop();
    await tracked;
    expect(clock.pending()).toBe(0);
    sensor.release(5);
    await clock.advance(60_000);
    expect(sampler.readings()).toEqual([]);
    expect(sensor.reads).toBe(1);
    expect(log.lines).toEqual([]);
  });
});
