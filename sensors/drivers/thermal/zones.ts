/** The kernel's thermal zones (Documentation/driver-api/thermal/sysfs-api.rst): what it throttles the processor by. */
import type { Sysfs } from '../../../agent/ports/sysfs.ts';

const ZONES = '/sys/class/thermal';

export interface Zone {
  /** `thermal_zone0`. */
  entry: string;
  /** `cpu-thermal`. */
  type: string;
  /** The file that holds millidegrees Celsius. */
  path: string;
}

/** What is the processor's own, best first. */
const CPU_TYPES = [/^(cpu\d*[-_]?thermal|bcm2\d{3}_thermal)/, /^(x86_pkg_temp|soc_?\d*[-_](dts|thermal))/];

export async function findZones(sysfs: Sysfs, signal: AbortSignal): Promise<Zone[]> {
  const zones: Zone[] = [];
  for (const entry of await sysfs.list(ZONES)) {
    if (!/^thermal_zone\d+$/.test(entry)) continue;
    const type = await sysfs.read(`${ZONES}/${entry}/type`, signal);
    if (type) zones.push({ entry, type, path: `${ZONES}/${entry}/temp` });
  }
  return zones;
}

/** Undefined where no zone is the processor's. */
export function cpuZone(zones: readonly Zone[]): Zone | undefined {
  return CPU_TYPES.flatMap((pattern) => zones.find(({ type }) => pattern.test(type)) ?? [])[0];
}
