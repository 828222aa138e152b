/**
 * The thermometers that the kernel shows, from its two interfaces: thermal zones (thermal(4) sysfs-api) and hardware
 * monitoring chips (Documentation/hwmon/sysfs-interface.rst). The numbers in zone, hwmon and i2c names change between
 * boots, so a thermometer is known by its chip's name, its label, and its device's place on its bus.
 */
import type { Sysfs } from '../../../agent/ports/sysfs.ts';

const ZONES = '/sys/class/thermal';
const CHIPS = '/sys/class/hwmon';

export interface Thermometer {
  source: 'zone' | 'chip';
  /** A zone's type or a chip's name: `cpu-thermal`, `coretemp`, `nvme`. */
  chip: string;
  /** `Package id 0`; the channel (`temp2`) where a chip has several without labels; null where nothing is needed. */
  label: string | null;
  /** Place on its bus, such as `1-0048` or `0000:01:00.0`: tells two chips of one name apart. */
  device: string;
  /** The file that holds millidegrees Celsius. */
  path: string;
}

export async function findThermometers(sysfs: Sysfs, signal: AbortSignal): Promise<Thermometer[]> {
  const [zones, chips] = await Promise.all([findZones(sysfs, signal), findChips(sysfs, signal)]);
  return [...zones, ...chips];
}

async function findZones(sysfs: Sysfs, signal: AbortSignal): Promise<Thermometer[]> {
  const zones: Thermometer[] = [];
  for (const entry of await sysfs.list(ZONES)) {
    if (!/^thermal_zone\d+$/.test(entry)) continue;
    const chip = await sysfs.read(`${ZONES}/${entry}/type`, signal);
    if (chip)
      zones.push({ source: 'zone', chip, label: null, device: entry, path: `${ZONES}/${entry}/temp` });
  }
  return zones;
}

async function findChips(sysfs: Sysfs, signal: AbortSignal): Promise<Thermometer[]> {
  const chips: Thermometer[] = [];
  for (const entry of await sysfs.list(CHIPS)) {
    const directory = `${CHIPS}/${entry}`;
    const real = (await sysfs.resolve(directory)) ?? '';
    // The thermal framework shows each of its zones as a chip again: the same thermometer under a second name.
    if (/\/thermal_zone\d+\//.test(`${real}/`)) continue;
    const chip = await sysfs.read(`${directory}/name`, signal);
    if (!chip) continue;
    const device = placeOnBus((await sysfs.resolve(`${directory}/device`)) ?? real);
    chips.push(...(await findChannels(sysfs, directory, chip, device, signal)));
  }
  return chips;
}

async function findChannels(
  sysfs: Sysfs,
  directory: string,
  chip: string,
  device: string,
  signal: AbortSignal,
): Promise<Thermometer[]> {
  const channels = (await sysfs.list(directory)).flatMap((file) => /^(temp\d+)_input$/.exec(file)?.[1] ?? []);
  const found: Thermometer[] = [];
  for (const channel of channels) {
    const label = (await sysfs.read(`${directory}/${channel}_label`, signal)) || null;
    const distinct = label ?? (channels.length > 1 ? channel : null);
    found.push({ source: 'chip', chip, label: distinct, device, path: `${directory}/${channel}_input` });
  }
  return found;
}

/** The deepest part of a device path that is an address on a bus; `nvme0` and the like are numbers that change. */
function placeOnBus(devicePath: string): string {
  const parts = devicePath.split('/').filter((part) => part !== '');
  return parts.findLast((part) => /[0-9a-f][-:.][0-9a-z]/.test(part)) ?? parts.at(-1) ?? '';
}
