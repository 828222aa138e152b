import { describe, expect, it } from 'vitest';
import { thermalDriver } from '../../../sensors/drivers/thermal/thermal-driver.ts';
import { FakeSysfs } from '../../fakes/fake-sysfs.ts';
import { discover, raspberryPi, readOnce, valuesOf } from './raspberry-pi.ts';

const TEMP = '/sys/class/thermal/thermal_zone0/temp';

describe('thermal driver', () => {
  it('reads the CPU temperature of a Raspberry Pi once, though the kernel shows it twice', async () => {
    expect(await valuesOf(thermalDriver, raspberryPi())).toEqual({ 'cpu-temperature': 48.312 });
  });

  it('finds nothing on a machine without a thermometer', async () => {
    expect(await discover(thermalDriver, new FakeSysfs())).toEqual([]);
  });

  it('says that the thermometer has gone when its file vanished', async () => {
    const sysfs = raspberryPi();
    const [sensor] = await discover(thermalDriver, sysfs);
    sysfs.remove('/sys/class/thermal/thermal_zone0');
    await expect(readOnce(sensor)).rejects.toThrow(
      `${TEMP} is not there any more: its device or driver was removed`,
    );
  });

  it.each(['', 'abc', '48,3', '0x30', '48312 49000', '1e3', 'NaN'])(
    'refuses %j as a temperature',
    async (text) => {
      const sysfs = raspberryPi().put('/sys/devices/virtual/thermal/thermal_zone0/temp', text);
      const [sensor] = await discover(thermalDriver, sysfs);
      await expect(readOnce(sensor)).rejects.toThrow(
        `${TEMP} says ${JSON.stringify(text)} where a number should be`,
      );
    },
  );

  it.each(['-274000', '250001', '4294967295'])('refuses %s millidegrees as implausible', async (text) => {
    const sysfs = raspberryPi().put('/sys/devices/virtual/thermal/thermal_zone0/temp', text);
    const [sensor] = await discover(thermalDriver, sysfs);
    await expect(readOnce(sensor)).rejects.toThrow('nothing below -100 or above 250 can be true');
  });

  it('passes on that the chip has no data now', async () => {
    const sysfs = raspberryPi();
    const [sensor] = await discover(thermalDriver, sysfs);
    sysfs.fail(TEMP, 'no-data');
    await expect(readOnce(sensor)).rejects.toMatchObject({ code: 'no-data' });
  });
});
