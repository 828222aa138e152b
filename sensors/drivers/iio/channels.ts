/**
 * The channels of all IIO devices that the kernel shows. Device numbers change between boots, so a channel is known by
 * its device's name or label, the channel's own name, and the device's place on its bus.
 */
import type { Sysfs } from '../../../agent/ports/sysfs.ts';
import type { Quantity } from '../../kernel-number.ts';
import { placeOnBus } from '../../sensor-names.ts';
import { CHANNEL_TYPES } from './channel-types.ts';

const DEVICES = '/sys/bus/iio/devices';

export interface Channel {
  quantity: Quantity;
  /** Label of the device, from its device tree, or else its chip's name: `bme280`. */
  chip: string;
  /** What tells it from the device's other channels of the type: `0`, `x`, a label; null where it is alone. */
  part: string | null;
  /** Place on its bus, such as `1-0076`. */
  device: string;
  /** The file that holds a number. */
  path: string;
  /** The files with what makes the kernel's unit of it, `(number + offset) * scale`; null where that is 0, or 1. */
  offsetPath: string | null;
  scalePath: string | null;
}

interface Device {
  directory: string;
  chip: string;
  place: string;
  files: ReadonlySet<string>;
}

interface ValueFile {
  file: string;
  /** `voltage0`, `accel_x`, `voltage0-voltage1`. */
  channel: string;
  type: string;
  part: string;
  processed: boolean;
  quantity: Quantity;
}

export async function findChannels(sysfs: Sysfs, signal: AbortSignal): Promise<Channel[]> {
  const channels: Channel[] = [];
  for (const entry of await sysfs.list(DEVICES)) {
    // Triggers stand in the same directory.
    if (!/^iio:device\d+$/.test(entry)) continue;
    const device = await findDevice(sysfs, `${DEVICES}/${entry}`, signal);
    const values = [...device.files].flatMap((file) => valueFile(file, device.files) ?? []);
    for (const value of values) channels.push(await channelOf(sysfs, device, value, values, signal));
  }
  return channels;
}

async function findDevice(sysfs: Sysfs, directory: string, signal: AbortSignal): Promise<Device> {
  const files = new Set(await sysfs.list(directory));
  const label = await optional(sysfs, directory, files, 'label', signal);
  const name = await optional(sysfs, directory, files, 'name', signal);
  // The parent is the chip on its bus; the device itself is only a number.
  const real = ((await sysfs.resolve(directory)) ?? directory).replace(/\/iio:device\d+$/, '');
  return { directory, chip: label || name || 'iio', place: placeOnBus(real), files };
}

/** `in_voltage0_raw` -> type `voltage`, part `0`; the raw file only where the kernel shows no processed one. */
function valueFile(file: string, files: ReadonlySet<string>): ValueFile | null {
  const match = /^in_(([a-z]+?)(?:(\d+(?:-[a-z]+\d+)?))?(?:_([a-z0-9_]+))?)_(raw|input)$/.exec(file);
  if (!match) return null;
  const [, channel = '', type = '', index = '', modifier = '', form = ''] = match;
  const quantity = CHANNEL_TYPES.get(type);
  if (!quantity || (form === 'raw' && files.has(`in_${channel}_input`))) return null;
  const part = [index, modifier].filter(Boolean).join('-');
  return { file, channel, type, part, processed: form === 'input', quantity };
}

async function channelOf(
  sysfs: Sysfs,
  { directory, chip, place, files }: Device,
  { file, channel, type, part, processed, quantity }: ValueFile,
  values: readonly ValueFile[],
  signal: AbortSignal,
): Promise<Channel> {
  const label = await optional(sysfs, directory, files, `in_${channel}_label`, signal);
  const alone = values.filter((other) => other.type === type).length === 1;
  const factorPath = (name: string) => {
    const shared = sharingOf(channel, type, name).find((candidate) => files.has(candidate));
    return processed || shared === undefined ? null : `${directory}/${shared}`;
  };
  return {
    quantity,
    chip,
    part: label || (alone ? null : part) || null,
    device: place,
    path: `${directory}/${file}`,
    offsetPath: factorPath('offset'),
    scalePath: factorPath('scale'),
  };
}

/** Where a channel's offset or scale can stand, its own first, then those it shares with others. */
function sharingOf(channel: string, type: string, name: string): string[] {
  const differential = /-([a-z]+)\d+/.exec(channel)?.[1];
  const pair = differential ? [`in_${type}-${differential}_${name}`] : [];
  return [`in_${channel}_${name}`, ...pair, `in_${type}_${name}`, `in_${name}`];
}

async function optional(
  sysfs: Sysfs,
  directory: string,
  files: ReadonlySet<string>,
  file: string,
  signal: AbortSignal,
): Promise<string | null> {
  return files.has(file) ? sysfs.read(`${directory}/${file}`, signal) : null;
}
