/** What every driver must keep to, on a Raspberry Pi's files and on the machine that runs the test. */
import { describe, expect, it } from 'vitest';
import { LinuxBoardFacts } from '../../agent/adapters/board-facts.ts';
import { ConfinedCommand } from '../../agent/adapters/confined-command.ts';
import { LinuxSysfs } from '../../agent/adapters/sysfs.ts';
import { EnvironmentFault } from '../../agent/errors.ts';
import { BUILT_IN_DRIVERS } from '../../sensors/drivers/built-in-drivers.ts';
import { commandDriver } from '../../sensors/drivers/command/command-driver.ts';
import { gpioDriver } from '../../sensors/drivers/gpio/gpio-driver.ts';
import { hwmonDriver } from '../../sensors/drivers/hwmon/hwmon-driver.ts';
import { iioDriver } from '../../sensors/drivers/iio/iio-driver.ts';
import { thermalDriver } from '../../sensors/drivers/thermal/thermal-driver.ts';
import { w1Driver } from '../../sensors/drivers/w1/w1-driver.ts';
import { FakeGpio } from '../fakes/fake-gpio.ts';
import type { FakeSysfs } from '../fakes/fake-sysfs.ts';
import { RecordingLog } from '../fakes/recording-log.ts';
import { pi3, pi4, pi5 } from '../unit/sensors/board-trees.ts';
import { discover, readOnce, valuesOf } from '../unit/sensors/raspberry-pi.ts';

/** Of the IANA registry "SenML Units", without those marked as not recommended but `1/min`, and `rad/s` of UCUM. */
const UNITS = [
  ...['/', 'count', 's', 'm', 'm/s', 'm/s2', 'rad', 'rad/s', 'Hz', '1/min', 'V', 'A', 'W', 'J', 'F', 'Ohm'],
  ...['S/m', 'T', 'Cel', '%RH', 'Pa', 'lx', 'pH', 'kg/m3', 'B'],
];

const DRIVERS = [
  ...BUILT_IN_DRIVERS,
  gpioDriver([{ name: 'door', line: 'pin 11', edge: 'both', debounceMs: 0, counter: true }], new FakeGpio()),
  commandDriver(
    [
      { name: 'number', argv: ['/bin/echo', '7'], unit: 'count', intervalMs: 60_000 },
      { name: 'text', argv: ['/bin/echo', 'on mains'], intervalMs: 60_000 },
    ],
    new ConfinedCommand(),
  ),
];

describe.each([
  ['a Raspberry Pi 3', pi3()],
  ['a Raspberry Pi 4', pi4()],
  ['a Raspberry Pi 5', pi5()],
  ['this machine', new LinuxSysfs()],
])('sensor drivers on %s', (_, sysfs) => {
  const facts = new LinuxBoardFacts(sysfs, new RecordingLog());

  it.each(DRIVERS)('$kind describes its sensors well', async (driver) => {
    for (const { id, name, kind, unit, intervalMs } of await discover(driver, sysfs, facts)) {
      expect(id).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
      expect(name.trim()).not.toBe('');
      expect(kind).toMatch(/^[a-z]+$/);
      expect(unit === null || UNITS.includes(unit)).toBe(true);
      expect(intervalMs).toBeGreaterThanOrEqual(5_000);
    }
  });

  it.each(DRIVERS)('$kind finds the same ids each time', async (driver) => {
    const ids = async () => (await discover(driver, sysfs, facts)).map((sensor) => sensor.id);
    const first = await ids();
    expect(await ids()).toEqual(first);
    expect(new Set(first).size).toBe(first.length);
  });

  it.each(DRIVERS)('$kind gives numbers with a unit and texts without, or one sentence', async (driver) => {
    for (const sensor of await discover(driver, sysfs, facts)) {
      const value = await readOnce(sensor).catch((error: unknown) => error);
      if (value instanceof EnvironmentFault) expect(value.message.length).toBeGreaterThan(20);
      else expect(typeof value).toBe(sensor.unit === null ? 'string' : 'number');
    }
  });

  it('gives unique ids over all drivers', async () => {
    const all = await Promise.all(DRIVERS.map((driver) => discover(driver, sysfs, facts)));
    const ids = all.flat().map((sensor) => sensor.id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toEqual(expect.arrayContaining(['load-1m', 'memory-available', 'disk-root-free', 'uptime']));
  });
});

describe('what the kernel shows by itself', () => {
  const measured = async (sysfs: FakeSysfs) => {
    const drivers = [thermalDriver, hwmonDriver, iioDriver, w1Driver];
    return Object.assign({}, ...(await Promise.all(drivers.map((driver) => valuesOf(driver, sysfs)))));
  };

  it('is found on a Raspberry Pi 3 with a BME280 and a DS18B20', async () => {
    expect(await measured(pi3())).toEqual({
      'cpu-temperature': 51.54,
      'alarm-rpi-volt': 1,
      'temperature-bme280': 21.5,
      'pressure-bme280': 98_123,
      'humidity-bme280': 40,
      'temperature-28-0316a27951ff': 18.937,
    });
  });

  it('is found on a Raspberry Pi 4', async () => {
    expect(await measured(pi4())).toEqual({ 'cpu-temperature': 48.312, 'alarm-rpi-volt': 0 });
  });

  it('is found on a Raspberry Pi 5 with fan, NVMe disk and a power meter whose first input is off', async () => {
    expect(await measured(pi5())).toEqual({
      'cpu-temperature': 45.1,
      'voltage-rp1-adc-in1': 1.466,
      'voltage-rp1-adc-in2': 2.443,
      'voltage-rp1-adc-in3': 1.397,
      'voltage-rp1-adc-in4': 1.379,
      'temperature-rp1-adc': 46.65,
      'fan-pwmfan': 3012,
      'temperature-nvme-composite': 38.85,
      'current-ina3221': 0.12,
    });
  });
});
