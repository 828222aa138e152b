/** Load averages over 1, 5 and 15 minutes (proc(5), /proc/loadavg). */
import { decimal, readPresent } from '../../kernel-text.ts';
import type { DiscoveryContext, Sensor, SensorDriver } from '../../sensor.ts';

const PATH = '/proc/loadavg';
const MINUTES = [1, 5, 15];

export const loadDriver: SensorDriver = {
  kind: 'load',
  async discover(context) {
    if ((await context.sysfs.read(PATH, context.signal)) === null) return [];
    return MINUTES.map((minutes, column) => loadAverage(minutes, column, context));
  },
};

function loadAverage(minutes: number, column: number, { sysfs, intervalMs }: DiscoveryContext): Sensor {
  return {
    id: `load-${minutes}m`,
    name: `Load average over ${minutes} min`,
    kind: 'load',
    unit: '/',
    intervalMs,
    read: async (signal) => decimal((await readPresent(sysfs, PATH, signal)).split(' ')[column], PATH),
  };
}
