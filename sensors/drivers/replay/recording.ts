/**
 * A recording: values and when each was taken, in seconds from the first. Text of two forms, told apart by the first
 * character: JSON lines as `tincan watch --json` prints them, or CSV with the columns `time,value` and numbers in them.
 */
import { EnvironmentFault } from '../../../agent/errors.ts';
import type { SensorValue } from '../../sensor.ts';

export interface Recording {
  /** Seconds, ascending, the first is 0. */
  times: readonly number[];
  values: readonly SensorValue[];
}

/** A week of minutes is 10,080. */
const MOST_VALUES = 100_000;
const MOST_TEXT_CHARACTERS = 256;

/** `sensor`: of several sensors' lines, only those with this id. Throws EnvironmentFault('bad-recording') with the line. */
export function readRecording(text: string, path: string, sensor: string | undefined): Recording {
  const lines = text.split(/\r?\n/);
  const read = text.trimStart().startsWith('{') ? jsonLine : csvLine;
  const times: number[] = [];
  const values: SensorValue[] = [];
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '' || (index === 0 && read === csvLine && /^time,value$/.test(line.trim()))) continue;
    const fail = (problem: string) => badRecording(path, `line ${index + 1} ${problem}`);
    const entry = read(line, sensor, fail);
    if (!entry) continue;
    const last = times.at(-1);
    if (last !== undefined && entry.time < last)
      throw fail('is earlier than the one before it: sort it by time');
    if (times.length === MOST_VALUES)
      throw fail(`is value ${MOST_VALUES + 1}, and ${MOST_VALUES} are the most`);
    times.push(entry.time);
    values.push(entry.value);
  }
  const [first] = times;
  if (first === undefined) {
    throw badRecording(path, sensor === undefined ? 'holds no value' : `holds no value of sensor ${sensor}`);
  }
  return { times: times.map((time) => time - first), values };
}

interface Entry {
  time: number;
  value: SensorValue;
}

type Fail = (problem: string) => EnvironmentFault;

function jsonLine(line: string, sensor: string | undefined, fail: Fail): Entry | null {
  const object = objectIn(line);
  if (!object) throw fail('is no JSON object');
  const { id, time, value } = object;
  // Watching tells of devices that fall silent too, and of sensors that failed.
  if ((sensor !== undefined && id !== sensor) || 'problem' in object || value === null) return null;
  const text = typeof value === 'string' && value.length <= MOST_TEXT_CHARACTERS;
  if (!text && !(typeof value === 'number' && Number.isFinite(value))) {
    throw fail(`has no "value" that is a number, or text of at most ${MOST_TEXT_CHARACTERS} characters`);
  }
  return { time: secondsOf(time, fail), value };
}

function csvLine(line: string, _sensor: string | undefined, fail: Fail): Entry {
  const [time = '', value = '', ...more] = line.split(',').map((cell) => cell.trim());
  const number = Number(value);
  if (more.length > 0 || value === '' || !Number.isFinite(number)) {
    throw fail('is no CSV of time,value with a number as value');
  }
  return { time: secondsOf(/^-?[\d.]+$/.test(time) ? Number(time) : time, fail), value: number };
}

/** A number is seconds; text is a date as RFC 3339 has it. */
function secondsOf(time: unknown, fail: Fail): number {
  const isDate = typeof time === 'string' && /^\d{4}-\d\d-\d\dT/.test(time);
  const seconds = isDate ? Date.parse(time) / 1000 : time;
  if (typeof seconds === 'number' && Number.isFinite(seconds)) return seconds;
  throw fail('has no time: give seconds, or a date such as 2026-11-23T14:00:00Z');
}

function objectIn(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? { ...value } : null;
  } catch {
    // The caller names the line.
    return null;
  }
}

function badRecording(path: string, problem: string): EnvironmentFault {
  return new EnvironmentFault('bad-recording', `recording ${path}: ${problem}`);
}
