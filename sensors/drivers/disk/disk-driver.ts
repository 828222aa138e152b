/** Size of the root file system and the room left on it (statfs(2)). */
import type { FileSystemSize } from '../../../agent/ports/sysfs.ts';
import type { DiscoveryContext, Sensor, SensorDriver } from '../../sensor.ts';

/** Disks fill slowly. */
const INTERVAL_MS = 60_000;

export const diskDriver: SensorDriver = {
  kind: 'disk',
  async discover(context) {
    return [
      disk(context, 'disk-root-total', 'Root file system, size', (size) => size.totalBytes),
      disk(context, 'disk-root-free', 'Root file system, free', (size) => size.freeBytes),
    ];
  },
};

function disk(
  { sysfs, intervalMs }: DiscoveryContext,
  id: string,
  name: string,
  value: (size: FileSystemSize) => number,
): Sensor {
  return {
    id,
    name,
    kind: 'disk',
    unit: 'B',
    intervalMs: Math.max(intervalMs, INTERVAL_MS),
    read: async () => value(await sysfs.fileSystem('/')),
  };
}
