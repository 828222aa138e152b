/** Size of the root file system and the room left on it (statfs(2)). */
import type { FileSystemSize } from '../../../agent/ports/sysfs.ts';
import type { DiscoveryContext, Sensor, SensorDriver } from '../../sensor.ts';

/** Disks fill slowly. */
const INTERVAL_MS = 60_000;

export const diskDriver: SensorDriver = {
  kind: 'disk',
  async discover(context) {
    const labels = rootLabels((await context.sysfs.read('/proc/mounts', context.signal)) ?? '');
    return [
      disk(context, labels, 'disk-root-total', 'Root file system, size', (size) => size.totalBytes),
      disk(context, labels, 'disk-root-free', 'Root file system, free', (size) => size.freeBytes),
    ];
  },
};

function disk(
  { sysfs, intervalMs }: DiscoveryContext,
  labels: Readonly<Record<string, string>>,
  id: string,
  name: string,
  value: (size: FileSystemSize) => number,
): Sensor {
  return {
    id,
    name,
    kind: 'disk',
    unit: 'B',
    labels,
    intervalMs: Math.max(intervalMs, INTERVAL_MS),
    read: async () => value(await sysfs.fileSystem('/')),
  };
}

/** As node_exporter labels a file system. The last mount over a directory is the one that shows. */
function rootLabels(mounts: string): Record<string, string> {
  const [device, , fstype] =
    mounts
      .split('\n')
      .map((line) => line.split(' '))
      .findLast(([, at]) => at === '/') ?? [];
  return { ...(device && fstype ? { device, fstype } : {}), mountpoint: '/' };
}
