import { describe, expect, it } from 'vitest';
import { iioDriver } from '../../../sensors/drivers/iio/iio-driver.ts';
import { FakeSysfs } from '../../fakes/fake-sysfs.ts';
import { discover, readOnce, valuesOf } from './raspberry-pi.ts';

/** The device /sys/bus/iio/devices/`entry`, on the chip with this path. */
function device(sysfs: FakeSysfs, entry: string, chip: string, files: Record<string, string>): FakeSysfs {
  const directory = `/sys/devices/platform/soc/${chip}/${entry}`;
  for (const [name, text] of Object.entries(files)) sysfs.put(`${directory}/${name}`, text);
  return sysfs.link(`/sys/bus/iio/devices/${entry}`, directory);
}

const one = (files: Record<string, string>) =>
  device(new FakeSysfs(), 'iio:device0', 'fe804000.i2c/i2c-1/1-0076', { name: 'chip\n', ...files });

const BME280 = {
  name: 'bme280\n',
  in_temp_input: '23450\n',
  in_pressure_input: '101.325000000\n',
  in_humidityrelative_input: '45123\n',
  in_temp_oversampling_ratio: '2\n',
};

describe('iio driver', () => {
  it('reads the processed channels of a BME280 in our units', async () => {
    expect(await valuesOf(iioDriver, one(BME280))).toEqual({
      'humidity-bme280': 45.123,
      'pressure-bme280': 101_325,
      'temperature-bme280': 23.45,
    });
  });

  it('keeps the ids when devices are numbered otherwise after a boot', async () => {
    const bus = 'fe804000.i2c/i2c-1';
    const sysfs = device(new FakeSysfs(), 'iio:device7', `${bus}/1-0077`, BME280);
    device(sysfs, 'iio:device2', `${bus}/1-0076`, { ...BME280, in_temp_input: '1000' });
    expect(await valuesOf(iioDriver, sysfs)).toMatchObject({
      'temperature-bme280-1-0076': 1,
      'temperature-bme280-1-0077': 23.45,
    });
  });

  it.each([
    ['in_temp_raw', { in_temp_raw: '100', in_temp_offset: '-20', in_temp_scale: '250' }, 'temperature', 20],
    ['a shared scale', { in_voltage0_raw: '1024', in_voltage_scale: '3.000000' }, 'voltage', 3.072],
    ['one scale for all', { in_current0_raw: '7', in_scale: '2' }, 'current', 0.014],
    [
      'its own scale first',
      { in_power1_raw: '5', in_power1_scale: '3', in_power_scale: '9' },
      'power',
      0.015,
    ],
    ['no scale', { in_capacitance0_raw: '47' }, 'capacitance', 4.7e-8],
    ['gauss', { in_magn_x_raw: '5000', in_magn_scale: '0.0001' }, 'magnetism', 5e-5],
    ['degrees', { in_incli_x_raw: '36' }, 'inclination', 0.628318530718],
    ['a small scale', { in_anglvel_z_raw: '-200', in_anglvel_scale: '0.000152716' }, 'rotation', -0.0305432],
    ['lux', { in_illuminance_input: '123.5' }, 'illuminance', 123.5],
    [
      'percent',
      { in_concentration_co2_raw: '0.0417', in_concentration_co2_scale: '1' },
      'concentration',
      0.000417,
    ],
    ['dust', { in_massconcentration_pm2p5_input: '12' }, 'particles', 1.2e-8],
  ])('reads %s', async (_, files, kind, value) => {
    expect(await valuesOf(iioDriver, one(files))).toEqual({ [`${kind}-chip`]: value });
  });

  it('reads a differential input with the scale of its pair', async () => {
    const files = {
      'in_voltage0-voltage1_raw': '1000',
      'in_voltage-voltage_scale': '2',
      in_voltage0_raw: '500',
      in_voltage_scale: '3',
    };
    expect(await valuesOf(iioDriver, one(files))).toEqual({
      'voltage-chip-0': 1.5,
      'voltage-chip-0-voltage1': 2,
    });
  });

  it('tells axes and labels apart', async () => {
    const files = {
      in_accel_x_raw: '1',
      in_accel_y_raw: '2',
      in_accel_z_raw: '981',
      in_accel_scale: '0.01',
      in_voltage0_raw: '1',
      in_voltage1_raw: '2',
      in_voltage1_label: 'Battery\n',
    };
    expect(await valuesOf(iioDriver, one(files))).toEqual({
      'acceleration-chip-x': 0.01,
      'acceleration-chip-y': 0.02,
      'acceleration-chip-z': 9.81,
      'voltage-chip-0': 0.001,
      'voltage-chip-battery': 0.002,
    });
  });

  it('takes the processed value where both are shown, and leaves out what has no unit', async () => {
    const files = {
      in_temp_raw: '7',
      in_temp_scale: '9',
      in_temp_input: '21000',
      in_intensity_both_raw: '3',
    };
    expect(await valuesOf(iioDriver, one(files))).toEqual({ 'temperature-chip': 21 });
  });

  it('calls a device by its label, and no trigger a device', async () => {
    const sysfs = one({ label: 'roof', in_temp_input: '5000' });
    sysfs.put('/sys/bus/iio/devices/trigger0/name', 'sysfstrig0');
    expect(await valuesOf(iioDriver, sysfs)).toEqual({ 'temperature-roof': 5 });
  });

  it('says which file holds nonsense, and goes on with the other channels', async () => {
    const sysfs = one({ in_voltage0_raw: '1', in_voltage0_scale: 'broken', in_temp_input: '1000' });
    const sensors = await discover(iioDriver, sysfs);
    const [temperature, voltage] = sensors;
    expect(await readOnce(temperature)).toBe(1);
    await expect(readOnce(voltage)).rejects.toThrow(
      '/sys/bus/iio/devices/iio:device0/in_voltage0_scale says "broken" where a number should be',
    );
  });

  it('follows a gain that somebody changes', async () => {
    const sysfs = one({ in_voltage0_raw: '1000', in_voltage_scale: '1' });
    const [sensor] = await discover(iioDriver, sysfs);
    expect(await readOnce(sensor)).toBe(1);
    sysfs.put('/sys/devices/platform/soc/fe804000.i2c/i2c-1/1-0076/iio:device0/in_voltage_scale', '2');
    expect(await readOnce(sensor)).toBe(2);
  });
});
