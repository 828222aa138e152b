/** The files of a Raspberry Pi 4 that the drivers look at, and helpers to run one driver over a tree. */
import type { BoardFacts } from '../../../agent/ports/board-facts.ts';
import type { Clock } from '../../../agent/ports/clock.ts';
import type { Sysfs } from '../../../agent/ports/sysfs.ts';
import type { Sensor, SensorDriver, SensorValue } from '../../../sensors/sensor.ts';
import { FakeSysfs } from '../../fakes/fake-sysfs.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';

const NET_DEV = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:   10630      63    0    0    0     0          0         0    10630      63    0    0    0     0       0          0
  eth0: 299056197    9097    0    0    0     0          0         0   636166    4981    0    0    0     0       0          0
 wlan0:12345 1 0 0 0 0 0 0 54321 2 0 0 0 0 0 0
`;

const MEMINFO = `MemTotal:        3884084 kB
MemFree:         2740560 kB
MemAvailable:    2913063 kB
Buffers:           15220 kB
HugePages_Total:       0
`;

const ZONE = '/sys/devices/virtual/thermal/thermal_zone0';
const FIRMWARE_HWMON = '/sys/devices/platform/soc/soc:firmware/raspberrypi-hwmon/hwmon/hwmon1';

export function raspberryPi(): FakeSysfs {
  return new FakeSysfs({
    '/proc/device-tree/model': 'Raspberry Pi 4 Model B Rev 1.4\0',
    '/etc/os-release': 'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nID=debian\n',
    '/proc/loadavg': '0.30 0.09 1.02 1/89 5745\n',
    '/proc/uptime': '1277.89 2468.75\n',
    '/proc/meminfo': MEMINFO,
    '/proc/net/dev': NET_DEV,
    [`${ZONE}/type`]: 'cpu-thermal\n',
    [`${ZONE}/temp`]: '48312\n',
    [`${ZONE}/hwmon0/name`]: 'cpu_thermal\n',
    [`${ZONE}/hwmon0/temp1_input`]: '48312\n',
    [`${FIRMWARE_HWMON}/name`]: 'rpi_volt\n',
    [`${FIRMWARE_HWMON}/in0_lcrit_alarm`]: '0\n',
    '/sys/class/thermal/cooling_device0/type': 'Processor\n',
  })
    .link('/sys/class/thermal/thermal_zone0', ZONE)
    .link('/sys/class/hwmon/hwmon0', `${ZONE}/hwmon0`)
    .link(`${ZONE}/hwmon0/device`, '../../thermal_zone0')
    .link('/sys/class/hwmon/hwmon1', FIRMWARE_HWMON)
    .link(`${FIRMWARE_HWMON}/device`, '../../../raspberrypi-hwmon');
}

export const NO_FACTS: BoardFacts = { model: async () => null, os: async () => null };

export function discover(
  driver: SensorDriver,
  sysfs: Sysfs,
  facts: BoardFacts = NO_FACTS,
  clock: Clock = new ManualClock(),
): Promise<Sensor[]> {
  return driver.discover({ sysfs, facts, clock, intervalMs: 5_000, signal: new AbortController().signal });
}

export function readOnce(sensor: Sensor | undefined): Promise<SensorValue> {
  if (!sensor) throw new RangeError('there is no such sensor');
  return sensor.read(new AbortController().signal);
}

/** Id -> value of everything that the driver finds and can read. */
export async function valuesOf(
  driver: SensorDriver,
  sysfs: Sysfs,
  facts?: BoardFacts,
): Promise<Record<string, SensorValue>> {
  const sensors = await discover(driver, sysfs, facts);
  return Object.fromEntries(
    await Promise.all(sensors.map(async (sensor) => [sensor.id, await readOnce(sensor)])),
  );
}
