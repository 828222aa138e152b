/** What every driver must keep to, on a Raspberry Pi's files and on the machine that runs the test. */
import { describe, expect, it } from 'vitest';
import { LinuxBoardFacts } from '../../agent/adapters/board-facts.ts';
import { LinuxSysfs } from '../../agent/adapters/sysfs.ts';
import { EnvironmentFault } from '../../agent/errors.ts';
import { BUILT_IN_DRIVERS } from '../../sensors/drivers/built-in-drivers.ts';
import { RecordingLog } from '../fakes/recording-log.ts';
import { discover, raspberryPi, readOnce } from '../unit/sensors/raspberry-pi.ts';

/** Of the IANA registry "SenML Units", without those marked as not recommended but `1/min`, and `rad/s` of UCUM. */
const UNITS = [
  ...['/', 'count', 's', 'm', 'm/s', 'm/s2', 'rad', 'rad/s', 'Hz', '1/min', 'V', 'A', 'W', 'J', 'F', 'Ohm'],
  ...['S/m', 'T', 'Cel', '%RH', 'Pa', 'lx', 'pH', 'kg/m3', 'B'],
];

describe.each([
  ['a Raspberry Pi', raspberryPi()],
  ['this machine', new LinuxSysfs()],
])('sensor drivers on %s', (_, sysfs) => {
  const facts = new LinuxBoardFacts(sysfs, new RecordingLog());

  it.each(BUILT_IN_DRIVERS)('$kind describes its sensors well', async (driver) => {
    for (const { id, name, kind, unit, intervalMs } of await discover(driver, sysfs, facts)) {
      expect(id).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
      expect(name.trim()).not.toBe('');
      expect(kind).toMatch(/^[a-z]+$/);
      expect(unit === null || UNITS.includes(unit)).toBe(true);
      expect(intervalMs).toBeGreaterThanOrEqual(5_000);
    }
  });

  it.each(BUILT_IN_DRIVERS)('$kind finds the same ids each time', async (driver) => {
    const ids = async () => (await discover(driver, sysfs, facts)).map((sensor) => sensor.id);
    const first = await ids();
    expect(await ids()).toEqual(first);
    expect(new Set(first).size).toBe(first.length);
  });

  it.each(BUILT_IN_DRIVERS)(
    '$kind gives numbers with a unit and texts without, or one sentence',
    async (driver) => {
      for (const sensor of await discover(driver, sysfs, facts)) {
        const value = await readOnce(sensor).catch((error: unknown) => error);
        if (value instanceof EnvironmentFault) expect(value.message.length).toBeGreaterThan(20);
        else expect(typeof value).toBe(sensor.unit === null ? 'string' : 'number');
      }
    },
  );

  it('gives unique ids over all drivers', async () => {
    const all = await Promise.all(BUILT_IN_DRIVERS.map((driver) => discover(driver, sysfs, facts)));
    const ids = all.flat().map((sensor) => sensor.id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toEqual(expect.arrayContaining(['load-1m', 'memory-available', 'disk-root-free', 'uptime']));
  });
});
