/** A reading for people: its value with the unit as it is written, its age, and what it is worth. */
import type { Reading } from '../../sensors/reading.ts';
import { bytesText, durationText } from './units.ts';

const SYMBOLS: Readonly<Record<string, string>> = { Cel: ' °C', '%RH': ' % RH', '/': '', count: '' };
/** What a sensor resolves is far coarser; a mean of a window prints all digits of a double. */
const SIGNIFICANT_DIGITS = 6;

/** `48.3 °C`, `1.2 GB`, `3 h 12 min`; the text itself where the value is text. */
export function valueText({ value, unit }: Pick<Reading, 'value' | 'unit'>): string {
  if (value === null) return '–';
  if (typeof value === 'string' || unit === null) return String(value);
  if (unit === 'B') return bytesText(value);
  if (unit === 's') return durationText(value * 1000);
  const rounded = Number.isInteger(value) ? value : Number(value.toPrecision(SIGNIFICANT_DIGITS));
  return `${rounded}${SYMBOLS[unit] ?? ` ${unit}`}`;
}

/** Time since the value was read. */
export function ageText(ageMs: number | null): string {
  return ageMs === null ? '–' : durationText(ageMs);
}

/** `ok`, or what is wrong and why. */
export function stateText({ quality, reason }: Pick<Reading, 'quality' | 'reason'>): string {
  return quality === 'ok' || reason === null ? quality : `${quality}: ${reason}`;
}
