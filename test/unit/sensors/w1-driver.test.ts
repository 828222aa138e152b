import { describe, expect, it } from 'vitest';
import { hwmonDriver } from '../../../sensors/drivers/hwmon/hwmon-driver.ts';
import { w1Driver } from '../../../sensors/drivers/w1/w1-driver.ts';
import { Sampler } from '../../../sensors/sampler.ts';
import { FakeSysfs } from '../../fakes/fake-sysfs.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';
import { RecordingLog } from '../../fakes/recording-log.ts';
import { ScriptedSensor } from '../../fakes/scripted-sensor.ts';
import { discover, NO_FACTS, readOnce, valuesOf } from './raspberry-pi.ts';

const ROOF = '28-0316a27951ff';
const CELLAR = '28-011913fb07bb';
const BUS = '/sys/devices/w1_bus_master1';
const DEVICES = '/sys/bus/w1/devices';
const BULK = `${DEVICES}/w1_bus_master1/therm_bulk_read`;

function bus(thermometers: Record<string, Record<string, string>>): FakeSysfs {
  const sysfs = new FakeSysfs().link(`${DEVICES}/w1_bus_master1`, BUS);
  for (const [entry, files] of Object.entries(thermometers)) {
    for (const [name, text] of Object.entries(files)) sysfs.put(`${BUS}/${entry}/${name}`, text);
    sysfs.link(`${DEVICES}/${entry}`, `${BUS}/${entry}`);
  }
  return sysfs;
}

/** A bus whose conversions run together and take `polls` polls. */
function bulkBus(polls = 2): FakeSysfs {
  const sysfs = bus({ [ROOF]: { temperature: '21437\n' }, [CELLAR]: { temperature: '-1062\n' } });
  sysfs.put(`${BUS}/therm_bulk_read`, '0\n');
  sysfs.onWrite(BULK, () => {
    let left = polls;
    sysfs.put(`${BUS}/therm_bulk_read`, '-1\n');
    sysfs.onRead(BULK, () => {
      if (--left <= 0) sysfs.put(`${BUS}/therm_bulk_read`, '1\n');
    });
  });
  return sysfs;
}

async function sampled(sysfs: FakeSysfs, ...others: ScriptedSensor[]) {
  const clock = new ManualClock();
  const options = { clock, log: new RecordingLog(), random: () => 0.5, clockSynchronised: () => true };
  const sampler = new Sampler(options);
  void sampler.track([...others, ...(await discover(w1Driver, sysfs, NO_FACTS, clock))]);
  return { clock, sampler };
}

const value = (sampler: Sampler, entry: string) => sampler.reading(`temperature-${entry}`);

describe('1-wire driver', () => {
  it('reads thermometers, known by the number in their ROM, and nothing else on the bus', async () => {
    const sysfs = bus({ [ROOF]: { temperature: '21437' }, '01-0000169b1c2a': { id: 'x' } });
    expect(await valuesOf(w1Driver, sysfs)).toEqual({ [`temperature-${ROOF}`]: 21.437 });
  });

  it('converts once for all thermometers of a bus, then reads each', async () => {
    const sysfs = bulkBus();
    const { clock, sampler } = await sampled(sysfs);
    await clock.advance(100);
    expect(value(sampler, ROOF)).toMatchObject({ value: null });
    await clock.advance(100);
    expect(value(sampler, ROOF)).toMatchObject({ value: 21.437, quality: 'ok', unit: 'Cel' });
    expect(value(sampler, CELLAR)).toMatchObject({ value: -1.062, quality: 'ok' });
    expect(sysfs.written).toEqual([[BULK, 'trigger\n']]);
    await clock.advance(5_000);
    expect(sysfs.written).toHaveLength(2);
  });

  it('says that a bus stays busy, delays nobody else, and tries again', async () => {
    const other = new ScriptedSensor('other');
    const { clock, sampler } = await sampled(bulkBus(Number.POSITIVE_INFINITY), other);
    await clock.advance(20_000);
    expect(value(sampler, ROOF)?.reason).toContain('is still busy after 2000 ms');
    expect(other.reads).toBe(5);
  });

  it('reads one by one where it may not start a conversion for all', async () => {
    const sysfs = bulkBus();
    sysfs.refuseWrites(BULK, 'no-privilege');
    expect(await valuesOf(w1Driver, sysfs)).toEqual({
      [`temperature-${ROOF}`]: 21.437,
      [`temperature-${CELLAR}`]: -1.062,
    });
  });

  it('gives a bus without bulk conversion time for each of its thermometers', async () => {
    const entries = Array.from({ length: 9 }, (_, n) => `28-00000000000${n}`);
    const sysfs = bus(Object.fromEntries(entries.map((entry) => [entry, { temperature: '20000' }])));
    const [first] = await discover(w1Driver, sysfs);
    expect(first).toMatchObject({ readLimitMs: 10_000, intervalMs: 10_000 });
  });

  it('refuses the value that a thermometer holds after it lost its power', async () => {
    const [sensor] = await discover(w1Driver, bus({ [ROOF]: { temperature: '85000' } }));
    await expect(readOnce(sensor)).rejects.toMatchObject({ code: 'power-up-value' });
    const [hot] = await discover(w1Driver, bus({ [ROOF]: { temperature: '85062' } }));
    expect(await readOnce(hot)).toBe(85.062);
  });

  const SLAVE = '50 05 4b 46 7f ff 0c 10 1c : crc=1c';

  it.each([
    [`${SLAVE} YES\n50 05 4b 46 7f ff 0c 10 1c t=23125\n`, 23.125],
    [`${SLAVE} YES\nff ff t=-62\n`, -0.062],
  ])('reads the older file %j', async (text, celsius) => {
    expect(await valuesOf(w1Driver, bus({ [ROOF]: { w1_slave: text } }))).toEqual({
      [`temperature-${ROOF}`]: celsius,
    });
  });

  it.each([
    [`${SLAVE} NO\n50 05 t=23125\n`, 'crc'],
    [`${SLAVE} YES\n50 05 t=85000\n`, 'power-up-value'],
    [`${SLAVE} YES\n50 05\n`, 'garbage'],
    ['', 'crc'],
  ])('refuses the older file %j', async (text, code) => {
    const [sensor] = await discover(w1Driver, bus({ [ROOF]: { w1_slave: text } }));
    await expect(readOnce(sensor)).rejects.toMatchObject({ code });
  });

  it('says that a thermometer was unplugged', async () => {
    const sysfs = bus({ [ROOF]: { temperature: '20000' } });
    const [sensor] = await discover(w1Driver, sysfs);
    sysfs.remove(`${BUS}/${ROOF}`);
    await expect(readOnce(sensor)).rejects.toMatchObject({ code: 'device-gone' });
  });

  it('is not shown a second time as a hardware monitoring chip', async () => {
    const sysfs = bus({ [ROOF]: { temperature: '20000', 'hwmon/hwmon2/name': 'w1_slave_temp' } });
    sysfs.put(`${BUS}/${ROOF}/hwmon/hwmon2/temp1_input`, '20000');
    sysfs.link('/sys/class/hwmon/hwmon2', `${BUS}/${ROOF}/hwmon/hwmon2`);
    expect(await discover(hwmonDriver, sysfs)).toEqual([]);
  });
});
