/** One picture of `tincan watch`: as many rows as the terminal has lines for, and a word on what is left out. */
import type { TerminalSize } from './cli-io.ts';
import { ageText, stateText, valueText } from './reading-text.ts';
import { fitted, harmless, tableText } from './terminal-text.ts';
import { pluralText } from './units.ts';
import type { RowState, WatchedDevice, WatchRow } from './watch-board.ts';

const HEAD = ['device', 'sensor', 'value', 'age', 'state'];
/** The heading and the line of what is left out. */
const OTHER_LINES = 4;
/** Lines for devices that do not answer, where many do not. */
const MOST_SILENT = 5;
const COLOURS: Readonly<Record<RowState, string>> = {
  ok: '',
  stale: '\u001b[33m',
  error: '\u001b[31m',
  lost: '\u001b[2m',
};

/** The lines, each no wider than the terminal, and no more than it has. */
export function watchFrame(
  devices: readonly WatchedDevice[],
  rows: readonly WatchRow[],
  { columns, rows: height }: TerminalSize,
  colours: boolean,
): string[] {
  const silent = devices.filter(({ problem }) => problem !== null);
  const notes = silent.slice(0, MOST_SILENT).map(({ name, ip4, problem }) => `${name} (${ip4}): ${problem}`);
  const room = Math.max(1, height - OTHER_LINES - notes.length);
  const shown = rows.length > room ? rows.slice(0, room) : rows;
  const left = rows.length - shown.length;
  const [head = '', ...body] = tableText(HEAD, shown.map(cellsOf), [3]).trimEnd().split('\n');
  const paint = (line: string, row: WatchRow | undefined): string => {
    const colour = COLOURS[row?.state ?? 'ok'];
    const text = fitted(line, columns);
    return colours && colour !== '' ? `${colour}${text}\u001b[0m` : text;
  };
  return [
    fitted(headline(devices, rows), columns),
    ...notes.map((note) => fitted(harmless(note), columns)),
    '',
    ...(rows.length === 0 ? [] : [fitted(head, columns), ...body.map((line, at) => paint(line, shown[at]))]),
    ...(left === 0 ? [] : [fitted(`… ${left} more: name devices, or use a taller terminal`, columns)]),
  ].slice(0, height);
}

function headline(devices: readonly WatchedDevice[], rows: readonly WatchRow[]): string {
  const live = devices.filter(({ state }) => state === 'live').length;
  const waiting = devices.filter(({ state }) => state === 'waiting').length;
  const notOk = rows.filter(({ state }) => state !== 'ok').length;
  const parts = [
    `${live} of ${pluralText(devices.length, 'device')} live`,
    ...(waiting === 0 ? [] : [`${waiting} connecting`]),
    pluralText(rows.length, 'sensor'),
    ...(notOk === 0 ? [] : [`${notOk} not ok`]),
  ];
  return `tincan watch: ${parts.join(', ')} (Ctrl-C ends)`;
}

function cellsOf({ device, reading, ageMs, state }: WatchRow): string[] {
  return [
    device,
    reading.id,
    valueText(reading),
    ageText(ageMs),
    state === 'lost' ? 'lost' : stateText(reading),
  ];
}
