/** What the channels of hardware monitoring chips measure, and in which units (Documentation/hwmon/sysfs-interface.rst). */
import { MILLIDEGREES, type Quantity } from '../../kernel-number.ts';

/** Beginning of the files' names (`temp1_input`) -> what they hold. */
export const CHANNEL_KINDS: ReadonlyMap<string, Quantity> = new Map<string, Quantity>([
  ['temp', MILLIDEGREES],
  ['in', { kind: 'voltage', words: 'Voltage', unit: 'V', perUnit: 1000 }],
  ['curr', { kind: 'current', words: 'Current', unit: 'A', perUnit: 1000 }],
  ['power', { kind: 'power', words: 'Power', unit: 'W', perUnit: 1_000_000 }],
  ['energy', { kind: 'energy', words: 'Energy', unit: 'J', perUnit: 1_000_000, from: 0 }],
  ['fan', { kind: 'fan', words: 'Fan speed', unit: '1/min', perUnit: 1, from: 0, to: 1_000_000 }],
  ['humidity', { kind: 'humidity', words: 'Humidity', unit: '%RH', perUnit: 1000, from: 0, to: 110 }],
  ['freq', { kind: 'frequency', words: 'Frequency', unit: 'Hz', perUnit: 1, from: 0 }],
]);

/** 1 while the chip complains; a Raspberry Pi's firmware tells of under-voltage so. */
export const ALARM: Quantity = { kind: 'alarm', words: 'Alarm', unit: '/', perUnit: 1, from: 0, to: 1 };
