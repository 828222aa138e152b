import { describe, expect, it } from 'vitest';
import { EnvironmentFault } from '../../../agent/errors.ts';
import { hwmonDriver } from '../../../sensors/drivers/hwmon/hwmon-driver.ts';
import { FakeSysfs } from '../../fakes/fake-sysfs.ts';
import { discover, raspberryPi, readOnce, valuesOf } from './raspberry-pi.ts';

/** A chip of /sys/class/hwmon/`entry`, on the device with this path. */
function chip(sysfs: FakeSysfs, entry: string, device: string, files: Record<string, string>): void {
  const directory = `${device}/hwmon/${entry}`;
  for (const [name, text] of Object.entries(files)) sysfs.put(`${directory}/${name}`, text);
  sysfs.link(`/sys/class/hwmon/${entry}`, directory).link(`${directory}/device`, device);
}

const CORETEMP = {
  name: 'coretemp\n',
  temp1_input: '61000\n',
  temp1_label: 'Package id 0\n',
  temp2_input: '59000\n',
  temp2_label: 'Core 0\n',
};

describe('hwmon driver', () => {
  it('takes the package sensor of a PC for its CPU, and names the others by chip and label', async () => {
    const sysfs = new FakeSysfs();
    chip(sysfs, 'hwmon3', '/sys/devices/platform/coretemp.0', CORETEMP);
    chip(sysfs, 'hwmon1', '/sys/devices/pci0000:00/0000:00:1d.0/nvme/nvme0', {
      name: 'nvme',
      temp1_input: '38850',
    });
    expect(await valuesOf(hwmonDriver, sysfs)).toEqual({
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
    expect(await valuesOf(hwmonDriver, sysfs)).toEqual({
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
    expect(await valuesOf(hwmonDriver, first)).toEqual(expected);
    expect(await valuesOf(hwmonDriver, second)).toEqual(expected);
  });

  it('tells unlabelled channels of one chip apart', async () => {
    const sysfs = new FakeSysfs();
    chip(sysfs, 'hwmon0', '/sys/devices/platform/x.0', {
      name: 'nct6775',
      temp1_input: '1000',
      temp10_input: '-2500',
    });
    expect(await valuesOf(hwmonDriver, sysfs)).toEqual({
      'temperature-nct6775-temp1': 1,
      'temperature-nct6775-temp10': -2.5,
    });
  });

  it('leaves the CPU temperature to the thermal zone where there is one, and tells of under-voltage', async () => {
    expect(await valuesOf(hwmonDriver, raspberryPi())).toEqual({ 'alarm-rpi-volt': 0 });
  });

  it('reads every kind of channel in the units of the kernel ABI', async () => {
    const sysfs = new FakeSysfs();
    chip(sysfs, 'hwmon0', '/sys/bus/i2c/devices/1-0040', {
      name: 'everything',
      temp1_input: '21500',
      in0_input: '3299',
      curr1_input: '-250',
      power1_input: '12345678',
      energy1_input: '5000000',
      fan1_input: '1200',
      humidity1_input: '45500',
      freq1_input: '1500000000',
    });
    expect(await valuesOf(hwmonDriver, sysfs)).toEqual({
      'current-everything': -0.25,
      'energy-everything': 5,
      'fan-everything': 1200,
      'frequency-everything': 1_500_000_000,
      'humidity-everything': 45.5,
      'voltage-everything': 3.299,
      'power-everything': 12.345678,
      'temperature-everything': 21.5,
    });
    const units = (await discover(hwmonDriver, sysfs)).map(({ kind, unit }) => `${kind} ${unit}`);
    expect(units.sort()).toEqual([
      'current A',
      'energy J',
      'fan 1/min',
      'frequency Hz',
      'humidity %RH',
      'power W',
      'temperature Cel',
      'voltage V',
    ]);
  });

  it('reads the converter of a Pi 5, whose inputs begin at one', async () => {
    const sysfs = new FakeSysfs();
    const inputs = { in1_input: '1466', in2_input: '2443', in3_input: '1397', in4_input: '1379' };
    chip(sysfs, 'hwmon1', '/sys/devices/platform/axi/1000120000.pcie/1f000c8000.adc', {
      name: 'rp1_adc',
      temp1_input: '46650',
      ...inputs,
    });
    expect(await valuesOf(hwmonDriver, sysfs)).toEqual({
      'voltage-rp1-adc-in1': 1.466,
      'voltage-rp1-adc-in2': 2.443,
      'voltage-rp1-adc-in3': 1.397,
      'voltage-rp1-adc-in4': 1.379,
      'temperature-rp1-adc': 46.65,
    });
  });

  it('takes the average of a channel that shows no momentary value', async () => {
    const sysfs = new FakeSysfs();
    chip(sysfs, 'hwmon0', '/sys/x.0', { name: 'ina', power1_average: '2000000', power2_input: '3000000' });
    expect(await valuesOf(hwmonDriver, sysfs)).toEqual({ 'power-ina-power1': 2, 'power-ina-power2': 3 });
  });

  it('has no sensor for a channel that is switched off, until it is switched on', async () => {
    const sysfs = new FakeSysfs();
    chip(sysfs, 'hwmon0', '/sys/x.0', { name: 'ina', in0_input: '0', in0_enable: '0' });
    expect(await discover(hwmonDriver, sysfs)).toEqual([]);
    sysfs.put('/sys/x.0/hwmon/hwmon0/in0_enable', '1');
    expect(await valuesOf(hwmonDriver, sysfs)).toEqual({ 'voltage-ina': 0 });
  });

  it('passes on that a channel that was switched off later has no data', async () => {
    const sysfs = new FakeSysfs();
    chip(sysfs, 'hwmon0', '/sys/x.0', { name: 'ina', temp1_input: '1000' });
    const [sensor] = await discover(hwmonDriver, sysfs);
    sysfs.fail('/sys/class/hwmon/hwmon0/temp1_input', 'no-data');
    await expect(readOnce(sensor)).rejects.toMatchObject({ code: 'no-data' });
  });

  it('does not believe a channel whose fault file says one', async () => {
    const sysfs = new FakeSysfs();
    chip(sysfs, 'hwmon0', '/sys/x.0', { name: 'nct', temp1_input: '1000', temp1_fault: '0' });
    const [sensor] = await discover(hwmonDriver, sysfs);
    expect(await readOnce(sensor)).toBe(1);
    sysfs.put('/sys/x.0/hwmon/hwmon0/temp1_fault', '1');
    await expect(readOnce(sensor)).rejects.toThrow('the sensor is open or shorted');
  });

  it.each([
    ['fan1_input', '-1'],
    ['humidity1_input', '200000'],
    ['temp1_input', '4294967295'],
    ['in0_input', 'N/A'],
  ])('refuses %s of %s', async (file, text) => {
    const sysfs = new FakeSysfs();
    chip(sysfs, 'hwmon0', '/sys/x.0', { name: 'x', [file]: text });
    const [sensor] = await discover(hwmonDriver, sysfs);
    await expect(readOnce(sensor)).rejects.toBeInstanceOf(EnvironmentFault);
  });

  it('tells two complaints of one channel apart', async () => {
    const sysfs = new FakeSysfs();
    chip(sysfs, 'hwmon0', '/sys/x.0', { name: 'x', in0_min_alarm: '0', in0_max_alarm: '1' });
    expect(await valuesOf(hwmonDriver, sysfs)).toEqual({ 'alarm-x-in0-max': 1, 'alarm-x-in0-min': 0 });
  });
});
