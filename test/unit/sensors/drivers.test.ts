import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LinuxBoardFacts } from '../../../agent/adapters/board-facts.ts';
import { EnvironmentFault } from '../../../agent/errors.ts';
import { boardDriver } from '../../../sensors/drivers/board/board-driver.ts';
import { BUILT_IN_DRIVERS } from '../../../sensors/drivers/built-in-drivers.ts';
import { diskDriver } from '../../../sensors/drivers/disk/disk-driver.ts';
import { loadDriver } from '../../../sensors/drivers/load/load-driver.ts';
import { memoryDriver } from '../../../sensors/drivers/memory/memory-driver.ts';
import { networkDriver } from '../../../sensors/drivers/network/network-driver.ts';
import { uptimeDriver } from '../../../sensors/drivers/uptime/uptime-driver.ts';
import { FakeSysfs } from '../../fakes/fake-sysfs.ts';
import { RecordingLog } from '../../fakes/recording-log.ts';
import { discover, raspberryPi, readOnce, valuesOf } from './raspberry-pi.ts';

describe('drivers on a Raspberry Pi', () => {
  it('board: reads model and operating system as text', async () => {
    const sysfs = raspberryPi();
    expect(await valuesOf(boardDriver, sysfs, new LinuxBoardFacts(sysfs, new RecordingLog()))).toEqual({
      model: 'Raspberry Pi 4 Model B Rev 1.4',
      os: 'Debian GNU/Linux 13 (trixie)',
    });
  });

  it('board: has no sensor for what the board does not tell', async () => {
    const facts = { model: async () => null, os: async () => 'Linux 6.12' };
    expect(await valuesOf(boardDriver, raspberryPi(), facts)).toEqual({ os: 'Linux 6.12' });
  });

  it('load: reads the three averages', async () => {
    expect(await valuesOf(loadDriver, raspberryPi())).toEqual({
      'load-1m': 0.3,
      'load-5m': 0.09,
      'load-15m': 1.02,
    });
  });

  it('memory: reads bytes, and the used part from what is available', async () => {
    expect(await valuesOf(memoryDriver, raspberryPi())).toEqual({
      'memory-total': 3_884_084 * 1024,
      'memory-available': 2_913_063 * 1024,
      'memory-used': 0.25,
    });
  });

  it('memory: says which field is missing', async () => {
    const sysfs = raspberryPi().put('/proc/meminfo', 'MemTotal: 100 kB\nMemFree: 50 kB\n');
    const [, available] = await discover(memoryDriver, sysfs);
    await expect(readOnce(available)).rejects.toThrow('/proc/meminfo MemAvailable says ""');
  });

  it('disk: reads size and room of the root file system, and no oftener than each minute', async () => {
    const sysfs = raspberryPi();
    sysfs.setFileSystem({ totalBytes: 1000, freeBytes: 400 });
    expect(await valuesOf(diskDriver, sysfs)).toEqual({ 'disk-root-total': 1000, 'disk-root-free': 400 });
    expect((await discover(diskDriver, sysfs)).map((sensor) => sensor.intervalMs)).toEqual([60_000, 60_000]);
  });

  it('network: counts both directions of every interface but the loopback', async () => {
    expect(await valuesOf(networkDriver, raspberryPi())).toEqual({
      'net-eth0-rx-bytes': 299_056_197,
      'net-eth0-tx-bytes': 636_166,
      'net-wlan0-rx-bytes': 12_345,
      'net-wlan0-tx-bytes': 54_321,
    });
  });

  it('network: makes ids of odd interface names, and copes with colons in them', async () => {
    const counters = '1 0 0 0 0 0 0 0 2 0 0 0 0 0 0 0';
    const sysfs = new FakeSysfs({
      '/proc/net/dev': `a|b\nc|d\n eth0.100: ${counters}\n br:Lan_1: ${counters}\n`,
    });
    expect(Object.keys(await valuesOf(networkDriver, sysfs))).toEqual([
      'net-eth0-100-rx-bytes',
      'net-eth0-100-tx-bytes',
      'net-br-lan-1-rx-bytes',
      'net-br-lan-1-tx-bytes',
    ]);
  });

  it('network: says that an interface has gone', async () => {
    const sysfs = raspberryPi();
    const [eth0] = await discover(networkDriver, sysfs);
    sysfs.put('/proc/net/dev', 'Inter-|\n face |\n lo: 1 0 0 0 0 0 0 0 1 0 0 0 0 0 0 0\n');
    await expect(readOnce(eth0)).rejects.toThrow('network interface eth0 is not there any more');
  });

  it('uptime: reads seconds', async () => {
    expect(await valuesOf(uptimeDriver, raspberryPi())).toEqual({ uptime: 1277.89 });
  });
});

describe('drivers on a machine that shows nothing', () => {
  it.each([loadDriver, memoryDriver, networkDriver, uptimeDriver])(
    '$kind finds no sensor',
    async (driver) => {
      expect(await discover(driver, new FakeSysfs())).toEqual([]);
    },
  );
});

describe('drivers against whatever the files say', () => {
  const PATHS = [
    '/proc/loadavg',
    '/proc/uptime',
    '/proc/meminfo',
    '/proc/net/dev',
    '/sys/class/thermal/thermal_zone0/temp',
  ];
  const line = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.constantFrom(
      'eth0: 1 2',
      'MemTotal: x kB',
      'MemTotal: 0 kB\nMemAvailable: 0 kB',
      '-',
      '1e999',
      '99999999999999999999999',
    ),
  );

  it.each(BUILT_IN_DRIVERS)(
    '$kind gives a value or one clear sentence, never anything untyped',
    async (driver) => {
      await fc.assert(
        fc.asyncProperty(fc.array(line, { maxLength: 5 }), async (lines) => {
          const before = raspberryPi();
          const garbage = raspberryPi();
          for (const path of PATHS) garbage.put(path, lines.join('\n'));
          const facts = new LinuxBoardFacts(garbage, new RecordingLog());
          const sensors = [
            ...(await discover(driver, garbage, facts)),
            ...(await discover(driver, before, facts)),
          ];
          for (const path of PATHS) before.put(path, lines.join('\n'));
          for (const sensor of sensors) {
            const outcome = await readOnce(sensor).catch((error: unknown) => error);
            if (typeof outcome === 'object') expect(outcome).toBeInstanceOf(EnvironmentFault);
            expect(sensor.id).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
          }
        }),
        { numRuns: 60 },
      );
    },
  );
});
