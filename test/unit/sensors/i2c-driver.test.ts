import { beforeEach, describe, expect, it } from 'vitest';
import { type I2cSetting, i2cDriver } from '../../../sensors/drivers/i2c/i2c-driver.ts';
import { iioDriver } from '../../../sensors/drivers/iio/iio-driver.ts';
import { SensorCatalog } from '../../../sensors/sensor-catalog.ts';
import { FakeSysfs } from '../../fakes/fake-sysfs.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';
import { MemoryFileStore } from '../../fakes/memory-file-store.ts';
import { RecordingLog } from '../../fakes/recording-log.ts';
import { NO_FACTS, readOnce } from './raspberry-pi.ts';

const BUS = '/sys/bus/i2c/devices/i2c-1';
const CHIP = '/sys/bus/i2c/devices/1-0076';
const BME280: I2cSetting = { bus: 1, address: '0x76', driver: 'bme280' };

let sysfs: FakeSysfs;
let store: MemoryFileStore;
let log: RecordingLog;

/** A kernel with the driver bme280 built in. */
beforeEach(() => {
  store = new MemoryFileStore();
  log = new RecordingLog();
  sysfs = new FakeSysfs({
    [`${BUS}/new_device`]: '',
    [`${BUS}/delete_device`]: '',
    '/proc/sys/kernel/random/boot_id': 'boot-1\n',
  });
  sysfs.onWrite(`${BUS}/new_device`, (text) => {
    const [name = ''] = text.split(' ');
    sysfs.put(`${CHIP}/name`, `${name}\n`);
    if (name !== 'bme280') return;
    sysfs.put('/sys/bus/i2c/drivers/bme280/bind', '').link(`${CHIP}/driver`, '/sys/bus/i2c/drivers/bme280');
    sysfs.put(`${CHIP}/iio:device0/name`, 'bme280\n').put(`${CHIP}/iio:device0/in_temp_input`, '21500\n');
    sysfs.link('/sys/bus/iio/devices/iio:device0', `${CHIP}/iio:device0`);
  });
  sysfs.onWrite(`${BUS}/delete_device`, () => {
    sysfs.remove(CHIP);
    sysfs.remove('/sys/bus/iio/devices/iio:device0');
  });
});

async function found(settings: readonly I2cSetting[]) {
  const clock = new ManualClock();
  const drivers = [iioDriver, i2cDriver(settings, store, log)];
  const catalog = new SensorCatalog({ drivers, sysfs, facts: NO_FACTS, clock, log, intervalMs: 1_000 });
  const asked = catalog.discover();
  await clock.advance(2_500);
  const sensors = await asked;
  return new Map(sensors.map((sensor) => [sensor.id, sensor]));
}

const writes = () => sysfs.written.map(([path, text]) => `${path.split('/').at(-1)} ${text.trim()}`);

describe('i2c driver', () => {
  it('binds a chip before the other drivers look, once', async () => {
    for (let discovery = 0; discovery < 2; discovery++) {
      const sensors = await found([BME280]);
      expect(await readOnce(sensors.get('temperature-bme280'))).toBe(21.5);
      expect(await readOnce(sensors.get('i2c-1-0076'))).toBe('bme280');
    }
    expect(writes()).toEqual(['new_device bme280 0x76']);
  });

  it('unbinds what left the config, also after a restart of the agent, and only what it bound', async () => {
    await found([BME280]);
    expect([...(await found([])).keys()]).toEqual([]);
    expect(writes()).toEqual(['new_device bme280 0x76', 'delete_device 0x76']);
    await found([]);
    expect(writes()).toHaveLength(2);
    sysfs.put(`${CHIP}/name`, 'bme280\n');
    await found([BME280]);
    await found([]);
    expect(writes()).toHaveLength(2);
  });

  it('believes no record of an earlier boot, nor a damaged one', async () => {
    await found([BME280]);
    sysfs.put('/proc/sys/kernel/random/boot_id', 'boot-2\n');
    await found([]);
    await store.write('i2c-chips.json', Buffer.from('{"boot":7}'));
    await found([]);
    expect(writes()).toEqual(['new_device bme280 0x76']);
    expect(log.of('i2c.record-damaged')).toHaveLength(1);
  });

  it('refuses an address in use, and says by whom', async () => {
    sysfs.put(`${CHIP}/name`, 'bmp180\n');
    const sensors = await found([BME280]);
    await expect(readOnce(sensors.get('i2c-1-0076'))).rejects.toThrow(
      'address 0x76 of I2C bus 1 is in use by bmp180, so bme280 cannot have it',
    );
    expect(writes()).toEqual([]);
    await found([]);
    expect(writes()).toEqual([]);
  });

  it.each([
    [{ ...BME280, bus: 9 }, 'i2c-9-0076', 'there is no I2C bus 9'],
    [{ ...BME280, driver: 'bmx999' }, 'i2c-1-0076', 'no driver has taken bmx999 at address 0x76'],
  ])('says why %j does not work', async (setting, id, sentence) => {
    const sensors = await found([setting]);
    await expect(readOnce(sensors.get(id))).rejects.toThrow(sentence);
  });

  it('delays no other driver where the kernel does not let it write', async () => {
    sysfs.refuseWrites(`${BUS}/new_device`, 'no-privilege');
    const sensors = await found([BME280]);
    await expect(readOnce(sensors.get('i2c-1-0076'))).rejects.toThrow('cannot write');
    expect(log.of('i2c.not-bound')).toHaveLength(1);
  });
});
