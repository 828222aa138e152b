/** Seconds since the board started (proc(5), /proc/uptime). */
import { decimal, readPresent } from '../../kernel-text.ts';
import type { SensorDriver } from '../../sensor.ts';

const PATH = '/proc/uptime';

export const uptimeDriver: SensorDriver = {
  kind: 'uptime',
  async discover({ sysfs, intervalMs, signal }) {
    if ((await sysfs.read(PATH, signal)) === null) return [];
    const read = async (readSignal: AbortSignal) =>
      decimal((await readPresent(sysfs, PATH, readSignal)).split(' ')[0], PATH);
    return [{ id: 'uptime', name: 'Uptime', kind: 'uptime', unit: 's', intervalMs, read }];
  },
};
