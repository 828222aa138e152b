/** Thermal zones: the processor's is `cpu-temperature` on every board that has one (see drivers/hwmon for the rest). */
import { MILLIDEGREES, readQuantity } from '../../kernel-number.ts';
import { kebab } from '../../kernel-text.ts';
import type { Sensor, SensorDriver } from '../../sensor.ts';
import { distinctNames } from '../../sensor-names.ts';
import { cpuZone, findZones } from './zones.ts';

export const thermalDriver: SensorDriver = {
  kind: 'thermal',
  async discover({ sysfs, intervalMs, signal: discovery }) {
    const zones = await findZones(sysfs, discovery);
    const cpu = cpuZone(zones);
    const found = zones.map((zone) => ({
      path: zone.path,
      labels: { zone: zone.entry.replace('thermal_zone', ''), type: zone.type },
      device: zone.entry,
      ...(zone === cpu
        ? { id: 'cpu-temperature', name: 'CPU temperature' }
        : { id: kebab('temperature', zone.type), name: `Temperature, ${zone.type}` }),
    }));
    return distinctNames(found).map(
      ({ id, name, path, labels }): Sensor => ({
        id,
        name,
        kind: MILLIDEGREES.kind,
        unit: MILLIDEGREES.unit,
        intervalMs,
        labels,
        read: (signal) => readQuantity(sysfs, path, MILLIDEGREES, signal),
      }),
    );
  },
};
