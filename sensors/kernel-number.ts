/** A number in one of the kernel's files: which unit it is given in, and within which bounds it can be true. */
import { EnvironmentFault } from '../agent/errors.ts';
import type { Sysfs } from '../agent/ports/sysfs.ts';
import { decimal, readPresent } from './kernel-text.ts';
import type { Unit } from './sensor.ts';

/** What a kind of channel measures, and how the kernel writes it down. */
export interface Quantity {
  /** As in a reading: `temperature`. */
  kind: string;
  /** For people: `Temperature`. */
  words: string;
  unit: Unit;
  /** So many of the kernel's units are one of ours: 1000 for millidegrees. */
  perUnit: number;
  /** Beyond these, in our unit, a chip is absent or broken: all-ones registers lie outside. */
  from?: number;
  to?: number;
}

/** Double precision prints 0.1 + 0.2 as 0.30000000000000004; no chip measures twelve digits. */
const SIGNIFICANT_DIGITS = 12;

/** The file's number in our unit; EnvironmentFault('garbage', 'implausible', 'device-gone') where it is none. */
export async function readQuantity(
  sysfs: Sysfs,
  path: string,
  quantity: Quantity,
  signal: AbortSignal,
): Promise<number> {
  const raw = decimal(await readPresent(sysfs, path, signal), path);
  return plausible(raw / quantity.perUnit, path, quantity);
}

/** `value` rounded, or EnvironmentFault('implausible'). */
export function plausible(value: number, path: string, quantity: Quantity): number {
  const { unit, from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY } = quantity;
  const rounded = Number(value.toPrecision(SIGNIFICANT_DIGITS));
  if (rounded >= from && rounded <= to) return rounded;
  throw new EnvironmentFault(
    'implausible',
    `${path} says ${rounded} ${unit}, and nothing below ${from} or above ${to} can be true: check the chip`,
    { retryable: true },
  );
}

/** Thermometers of boards: THERMAL_TEMP_INVALID (-274) lies outside. */
export const MILLIDEGREES: Quantity = {
  kind: 'temperature',
  words: 'Temperature',
  unit: 'Cel',
  perUnit: 1000,
  from: -100,
  to: 250,
};
