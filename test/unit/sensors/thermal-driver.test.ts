import { describe, expect, it } from 'vitest';
import { thermalDriver } from '../../../sensors/drivers/thermal/thermal-driver.ts';
import { FakeSysfs } from '../../fakes/fake-sysfs.ts';
import { discover, raspberryPi, readOnce, valuesOf } from './raspberry-pi.ts';

const TEMP = '/sys/class/thermal/thermal_zone0/temp';

/** A chip of /sys/class/hwmon/`entry`, on the device with this path. */
function chip(sysfs: FakeSysfs, entry: string, device: string, files: Record<string, string>): void {
  const directory = `${device}/hwmon/${entry}`;
  for (const [name, text] of Object.entries(files)) sysfs.write(`${directory}/${name}`, text);
  sysfs.link(`/sys/class/hwmon/${entry}`, directory).link(`${directory}/device`, device);
}

const CORETEMP = {
  name: 'coretemp\n',
  temp1_input: '61000\n',
  temp1_label: 'Package id 0\n',
  temp2_input: '59000\n',
  temp2_label: 'Core 0\n',
};

describe('thermal driver', () => {
  it('reads the CPU temperature of a Raspberry Pi once, though the kernel shows it twice', async () => {
    expect(await valuesOf(thermalDriver, raspberryPi())).toEqual({ 'cpu-temperature': 48.312 });
  });

  it('finds nothing on a machine without a thermometer', async () => {
    expect(await discover(thermalDriver, new FakeSysfs())).toEqual([]);
  });

  it('takes the package sensor of a PC for its CPU, and names the others by chip and label', async () => {
    const sysfs = new FakeSysfs();
    chip(sysfs, 'hwmon3', '/sys/devices/platform/coretemp.0', CORETEMP);
    chip(sysfs, 'hwmon1', '/sys/devices/pci0000:00/0000:00:1d.0/nvme/nvme0', {
      name: 'nvme',
      temp1_input: '38850',
    });
    expect(await valuesOf(thermalDriver, sysfs)).toEqual({
      'temperature-nvme': 38.85,
      'cpu-temperature': 61,
      'temperature-coretemp-core-0': 59,
    });
  });

  it('takes a core for the CPU where there is no package sensor, as on an Edison', async () => {
    const sysfs = new FakeSysfs();
    const cores = {
      name: 'coretemp',
      temp2_input: '41000',
      temp2_label: 'Core 0',
      temp3_input: '42000',
      temp3_label: 'Core 1',
    };
    chip(sysfs, 'hwmon0', '/sys/devices/platform/coretemp.0', cores);
    expect(await valuesOf(thermalDriver, sysfs)).toEqual({
      'cpu-temperature': 41,
      'temperature-coretemp-core-1': 42,
    });
  });

  it('keeps the ids when chips are numbered otherwise after a boot', async () => {
    const lm75 = (sysfs: FakeSysfs, entry: string, address: string, milli: string) =>
      chip(sysfs, entry, `/sys/devices/platform/soc/fe804000.i2c/i2c-1/${address}`, {
        name: 'lm75',
        temp1_input: milli,
      });
    const first = new FakeSysfs();
    lm75(first, 'hwmon1', '1-0048', '20000');
    lm75(first, 'hwmon2', '1-0049', '21000');
    const second = new FakeSysfs();
    lm75(second, 'hwmon7', '1-0048', '20000');
    lm75(second, 'hwmon3', '1-0049', '21000');
    const expected = { 'temperature-lm75-1-0048': 20, 'temperature-lm75-1-0049': 21 };
    expect(await valuesOf(thermalDriver, first)).toEqual(expected);
    expect(await valuesOf(thermalDriver, second)).toEqual(expected);
  });

  it('tells unlabelled channels of one chip apart', async () => {
    const sysfs = new FakeSysfs();
    chip(sysfs, 'hwmon0', '/sys/devices/platform/x.0', {
      name: 'nct6775',
      temp1_input: '1000',
      temp10_input: '-2500',
    });
    expect(await valuesOf(thermalDriver, sysfs)).toEqual({
      'temperature-nct6775-temp1': 1,
      'temperature-nct6775-temp10': -2.5,
    });
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
      const sysfs = raspberryPi().write('/sys/devices/virtual/thermal/thermal_zone0/temp', text);
      const [sensor] = await discover(thermalDriver, sysfs);
      await expect(readOnce(sensor)).rejects.toThrow(
        `${TEMP} says ${JSON.stringify(text)} where a number should be`,
      );
    },
  );

  it.each(['-274000', '250001', '4294967295'])('refuses %s millidegrees as implausible', async (text) => {
    const sysfs = raspberryPi().write('/sys/devices/virtual/thermal/thermal_zone0/temp', text);
    const [sensor] = await discover(thermalDriver, sysfs);
    await expect(readOnce(sensor)).rejects.toThrow('which no board survives');
  });

  it('passes on that the chip has no data now', async () => {
    const sysfs = raspberryPi();
    const [sensor] = await discover(thermalDriver, sysfs);
    sysfs.fail(TEMP, 'no-data');
    await expect(readOnce(sensor)).rejects.toMatchObject({ code: 'no-data' });
  });
});
