import { describe, expect, it } from 'vitest';
import type { Sensor, SensorDriver } from '../../../sensors/sensor.ts';
import { SensorCatalog } from '../../../sensors/sensor-catalog.ts';
import { FakeSysfs } from '../../fakes/fake-sysfs.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';
import { RecordingLog } from '../../fakes/recording-log.ts';
import { ScriptedSensor } from '../../fakes/scripted-sensor.ts';
import { NO_FACTS, readOnce } from './raspberry-pi.ts';

function setUp(drivers: SensorDriver[]) {
  const clock = new ManualClock();
  const log = new RecordingLog();
  const sysfs = new FakeSysfs();
  return {
    clock,
    log,
    catalog: new SensorCatalog({ drivers, sysfs, facts: NO_FACTS, clock, log, intervalMs: 5_000 }),
  };
}

const ids = (sensors: Sensor[]) => sensors.map((sensor) => sensor.id);
const finds = (kind: string, ...sensors: Sensor[]): SensorDriver => ({ kind, discover: async () => sensors });

describe('sensor catalog', () => {
  it('lists what the drivers find, in their order', async () => {
    const { catalog } = setUp([finds('x', new ScriptedSensor('b')), finds('y', new ScriptedSensor('a'))]);
    expect(ids(await catalog.discover())).toEqual(['b', 'a']);
  });

  it('numbers a second sensor of the same id, and both can be read', async () => {
    const [first, second] = [new ScriptedSensor('a'), new ScriptedSensor('a')];
    second.answer = 21;
    const { catalog } = setUp([finds('x', first), finds('y', second, new ScriptedSensor('a'))]);
    const sensors = await catalog.discover();
    expect(ids(sensors)).toEqual(['a', 'a-2', 'a-3']);
    expect([await readOnce(sensors[0]), await readOnce(sensors[1])]).toEqual([20, 21]);
  });

  it('goes on without a driver that fails, and keeps what it had found before', async () => {
    let broken = false;
    const flaky: SensorDriver = {
      kind: 'flaky',
      discover: async () => {
        if (broken) throw new RangeError('bus error');
        return [new ScriptedSensor('a')];
      },
    };
    const { catalog, log } = setUp([flaky, finds('y', new ScriptedSensor('b'))]);
    await catalog.discover();
    broken = true;
    expect(ids(await catalog.discover())).toEqual(['a', 'b']);
    expect(log.of('sensors.discovery-failed')).toEqual([{ driver: 'flaky', problem: 'bus error' }]);
  });

  it('goes on without a driver that hangs, and tells it to give up', async () => {
    let given: AbortSignal | null = null;
    const hanging: SensorDriver = {
      kind: 'hanging',
      discover: ({ signal }) => {
        given = signal;
        return new Promise(() => {});
      },
    };
    const { catalog, clock, log } = setUp([hanging, finds('y', new ScriptedSensor('b'))]);
    const discovery = catalog.discover();
    await clock.advance(2_000);
    expect(ids(await discovery)).toEqual(['b']);
    expect(given).toHaveProperty('aborted', true);
    expect(log.of('sensors.discovery-failed')[0]?.['problem']).toBe(
      'driver hanging gave no answer within 2000 ms',
    );
  });
});
