/**
 * The channels of all hardware monitoring chips that the kernel shows. The numbers in hwmon and i2c names change between
 * boots, so a channel is known by its chip's name, its label, and its device's place on its bus.
 */
import type { Sysfs } from '../../../agent/ports/sysfs.ts';
import type { Quantity } from '../../kernel-number.ts';
import { placeOnBus } from '../../sensor-names.ts';
import { ALARM, CHANNEL_KINDS } from './channel-kinds.ts';

const CHIPS = '/sys/class/hwmon';

export interface Channel {
  quantity: Quantity;
  /** The chip's name: `coretemp`, `nvme`. */
  chip: string;
  /** `Package id 0`; the channel (`temp2`) where a chip has several of a kind without labels; null where neither. */
  label: string | null;
  /** Place on its bus, such as `1-0048` or `0000:01:00.0`. */
  device: string;
  /** As node_exporter labels it: chip and channel; null for what it has no such metric of. */
  labels: { chip: string; sensor: string } | null;
  /** The file that holds the value. */
  path: string;
  /** The file that says 1 while the value is not to be believed, where there is one. */
  faultPath: string | null;
}

interface Chip {
  directory: string;
  name: string;
  device: string;
  /** Name of the chip as node_exporter makes it. */
  exporterName: string;
  files: ReadonlySet<string>;
}

export async function findChannels(sysfs: Sysfs, signal: AbortSignal): Promise<Channel[]> {
  const channels: Channel[] = [];
  for (const entry of await sysfs.list(CHIPS)) {
    const chip = await findChip(sysfs, `${CHIPS}/${entry}`, signal);
    if (chip) channels.push(...(await channelsOf(sysfs, chip, signal)));
  }
  return channels;
}

async function findChip(sysfs: Sysfs, directory: string, signal: AbortSignal): Promise<Chip | null> {
  const real = (await sysfs.resolve(directory)) ?? '';
  // Thermal zones and 1-wire thermometers are shown as chips again: the same thermometer under a second name.
  if (/\/(thermal_zone|w1_bus_master)\d+\//.test(`${real}/`)) return null;
  const name = await sysfs.read(`${directory}/name`, signal);
  if (!name) return null;
  const devicePath = await sysfs.resolve(`${directory}/device`);
  const device = placeOnBus(devicePath ?? real);
  return {
    directory,
    name,
    device,
    exporterName: exporterNameOf(devicePath, name),
    files: new Set(await sysfs.list(directory)),
  };
}

/** Its device's type and name, `i2c_1_0048` of `/sys/bus/i2c/…/1-0048`; the chip's own name where there is no device. */
function exporterNameOf(devicePath: string | null, name: string): string {
  const [device = '', parent = ''] = (devicePath ?? '').split('/').reverse().map(exporterWord);
  return device !== '' && parent !== '' ? `${parent}_${device}` : exporterWord(name);
}

function exporterWord(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9:_]/g, '_')
    .replace(/^_+|_+$/g, '');
}

async function channelsOf(sysfs: Sysfs, chip: Chip, signal: AbortSignal): Promise<Channel[]> {
  const found: Channel[] = [];
  const measured = [...chip.files].flatMap((file) => valueFile(file, chip.files) ?? []);
  for (const { file, channel, tag, quantity } of measured) {
    // A channel that is switched off has no data; it is found again when somebody switches it on.
    if ((await optional(sysfs, chip, `${channel}_enable`, signal)) === '0') continue;
    const label = tag === channel ? await optional(sysfs, chip, `${channel}_label`, signal) : null;
    const alone = measured.filter((other) => other.quantity === quantity).length === 1;
    const fault = `${channel}_fault`;
    found.push({
      quantity,
      chip: chip.name,
      label: label || (alone ? null : tag),
      device: chip.device,
      labels: file.endsWith('_input') ? { chip: chip.exporterName, sensor: channel } : null,
      path: `${chip.directory}/${file}`,
      faultPath: chip.files.has(fault) ? `${chip.directory}/${fault}` : null,
    });
  }
  return found;
}

/** `temp1_input` -> channel `temp1` of the kind `temp`; an average or alarm only where the channel shows nothing better. */
function valueFile(file: string, files: ReadonlySet<string>) {
  const [, channel = '', prefix = '', value = ''] = /^(([a-z]+)\d+)_(\w+)$/.exec(file) ?? [];
  const quantity = CHANNEL_KINDS.get(prefix);
  if (!quantity) return null;
  if (value === 'input') return { file, channel, tag: channel, quantity };
  if (files.has(`${channel}_input`)) return null;
  if (value === 'average') return { file, channel, tag: channel, quantity };
  if (!/^([a-z]+_)?alarm$/.test(value) || files.has(`${channel}_average`)) return null;
  return { file, channel, tag: file.replace(/_alarm$/, ''), quantity: ALARM };
}

async function optional(sysfs: Sysfs, chip: Chip, file: string, signal: AbortSignal): Promise<string | null> {
  return chip.files.has(file) ? sysfs.read(`${chip.directory}/${file}`, signal) : null;
}
