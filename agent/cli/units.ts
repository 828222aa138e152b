/** Numbers as people read them: decimal bytes, the two largest units of a duration, grouped counts. */

const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** `999 B`, `1.2 kB`, `34 MB`: decimal units (SI), two significant figures at least. */
export function bytesText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (rounded(value) >= 1000 && unit < BYTE_UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? Math.round(value) : rounded(value)} ${BYTE_UNITS[unit] ?? ''}`;
}

/** `12 s`, `3 min 5 s`, `2 h 10 min`, `4 d 3 h`; below ten seconds with a decimal, `0.4 s`. */
export function durationText(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (ms < 9950) return `${trimmed(ms / 1000, 1)} s`;
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return pair(seconds, 60, 'min', 1, 's');
  if (seconds < 86_400) return pair(seconds, 3600, 'h', 60, 'min');
  return pair(seconds, 86_400, 'd', 3600, 'h');
}

/** A round trip: `0.23 ms`, `12.4 ms`, `340 ms`. */
export function rttText(ms: number): string {
  return `${trimmed(ms, ms < 10 ? 2 : ms < 100 ? 1 : 0)} ms`;
}

/** `1,234,567`. */
export function countText(count: number): string {
  return count.toLocaleString('en-US');
}

/** `2026-11-23 11:40:05 UTC`; a time that no calendar knows is said to be unknown. */
export function timeText(unixMs: number): string {
  const time = new Date(unixMs);
  if (Number.isNaN(time.getTime())) return 'unknown time';
  return `${time.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** `1 link`, `3 links`. */
export function pluralText(count: number, noun: string): string {
  return `${countText(count)} ${noun}${count === 1 ? '' : 's'}`;
}

function rounded(value: number): number {
  return value < 10 ? Math.round(value * 10) / 10 : Math.round(value);
}

function trimmed(value: number, decimals: number): string {
  return String(Number(value.toFixed(decimals)));
}

function pair(seconds: number, large: number, largeName: string, small: number, smallName: string): string {
  const whole = Math.floor(seconds / large);
  const rest = Math.floor((seconds % large) / small);
  return rest === 0 ? `${whole} ${largeName}` : `${whole} ${largeName} ${rest} ${smallName}`;
}
