/** Main memory (proc(5), /proc/meminfo, whose "kB" are 1024 bytes). */
import { decimal, readPresent } from '../../kernel-text.ts';
import type { DiscoveryContext, Sensor, SensorDriver, Unit } from '../../sensor.ts';

const PATH = '/proc/meminfo';
const KIB = 1024;

/** `used` is what applications could not get: everything but MemAvailable, which counts caches as free. */
export const memoryDriver: SensorDriver = {
  kind: 'memory',
  async discover(context) {
    if ((await context.sysfs.read(PATH, context.signal)) === null) return [];
    return [
      memory(context, 'memory-total', 'Memory, total', 'B', (text) => bytes(text, 'MemTotal')),
      memory(context, 'memory-available', 'Memory, available', 'B', (text) => bytes(text, 'MemAvailable')),
      memory(context, 'memory-used', 'Memory, used part', '/', usedRatio),
    ];
  },
};

function memory(
  { sysfs, intervalMs }: DiscoveryContext,
  id: string,
  name: string,
  unit: Unit,
  value: (meminfo: string) => number,
): Sensor {
  const read = async (signal: AbortSignal) => value(await readPresent(sysfs, PATH, signal));
  return { id, name, kind: 'memory', unit, intervalMs, read };
}

function bytes(meminfo: string, field: string): number {
  const kib = new RegExp(`^${field}: *(\\S+) kB$`, 'm').exec(meminfo)?.[1];
  return decimal(kib, `${PATH} ${field}`) * KIB;
}

function usedRatio(meminfo: string): number {
  const ratio = 1 - bytes(meminfo, 'MemAvailable') / bytes(meminfo, 'MemTotal');
  return Number(ratio.toFixed(4));
}
