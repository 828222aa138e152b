/** The Log port as lines of text for people, or of JSON for programs. */
import type { Clock } from '../ports/clock.ts';
import type { Log, LogFields } from '../ports/log.ts';
import { systemClock } from './system-clock.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface TextLogOptions {
  /** Takes one line with its line end. */
  write(line: string): void;
  format: 'text' | 'json';
  /** Lines below this level are not written. */
  level: LogLevel;
  clock?: Clock;
}

const RANK: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

/** Longer values are cut: a peer's words must not fill the journal. */
const LONGEST_VALUE_CHARACTERS = 1000;

/** Opens a log whose lines bear a UTC time, the level, the event's name and its fields. */
export function openTextLog(options: TextLogOptions): Log {
  const clock = options.clock ?? systemClock;
  const lineOf = options.format === 'json' ? jsonLine : textLine;
  const at =
    (level: LogLevel) =>
    (event: string, fields: LogFields = {}): void => {
      if (RANK[level] < RANK[options.level]) return;
      options.write(`${lineOf(new Date(clock.wallMs()).toISOString(), level, event, bounded(fields))}\n`);
    };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

function bounded(fields: LogFields): LogFields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      typeof value === 'string' && value.length > LONGEST_VALUE_CHARACTERS
        ? `${value.slice(0, LONGEST_VALUE_CHARACTERS)}…`
        : value,
    ]),
  );
}

function textLine(time: string, level: LogLevel, event: string, fields: LogFields): string {
  const words = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${wordOf(value)}`);
  return [time, level.padEnd(5), event, ...words].join(' ');
}

function jsonLine(time: string, level: LogLevel, event: string, fields: LogFields): string {
  const own = { at: time, level, event };
  return withoutControls(JSON.stringify(Object.assign({ ...own }, fields, own)));
}

/** Bare where it is one plain word, else quoted: a value can neither forge a second line nor steer a terminal. */
function wordOf(value: LogFields[string]): string {
  if (typeof value !== 'string') return String(value);
  return /^[\w.:/@+,[\]-]+$/.test(value) ? value : withoutControls(JSON.stringify(value));
}

/** JSON leaves DEL, C1 controls, line separators and writing-direction marks as they are; a terminal obeys them. */
function withoutControls(json: string): string {
  return json.replace(
    /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
