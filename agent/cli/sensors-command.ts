/** `tincan sensors`: every reading of the fleet now, asked of all devices at once. */
import type { Reading } from '../../sensors/reading.ts';
import { servedReadings } from '../../sensors/services/served-reading.ts';
import { EnvironmentFault, sentenceOf } from '../errors.ts';
import type { MemberReport } from '../ports/agent-control.ts';
import type { CliIo } from './cli-io.ts';
import { membersNamed } from './fleet-members.ts';
import { askOverlay } from './overlay-request.ts';
import { ageText, stateText, valueText } from './reading-text.ts';
import { socketToAsk } from './socket-path.ts';
import { harmless, tableText } from './terminal-text.ts';

/** Connections at once; a fleet may have hundreds of members, and each needs a link. */
const ASKED_AT_ONCE = 32;

export interface SensorsOptions {
  socket?: string;
  json?: boolean;
  /** Seconds that a device has to answer. */
  timeout: number;
}

/** What one device said; `problem` is null where it answered. */
export interface DeviceReadings {
  device: string;
  node: string;
  ip4: string;
  problem: string | null;
  sensors: Reading[];
}

/** Exit code 0 when a device answered, 1 when none did. */
export async function runSensors(
  targets: readonly string[],
  options: SensorsOptions,
  io: CliIo,
): Promise<number> {
  const members = await membersNamed(socketToAsk(options.socket, process.env), targets, io.signal);
  const answers = await ofEach(members, (member) => readingsOf(member, options.timeout * 1000, io.signal));
  if (io.signal.aborted)
    throw new EnvironmentFault('interrupted', 'interrupted before every device answered');
  io.out(options.json ? `${JSON.stringify(answers)}\n` : sensorsText(answers));
  return answers.some(({ problem }) => problem === null) ? 0 : 1;
}

async function readingsOf(
  { id, name, ip4, sensors: base }: MemberReport,
  limitMs: number,
  signal: AbortSignal,
): Promise<DeviceReadings> {
  const known = { device: name, node: id, ip4 };
  try {
    const { sensors } = await askOverlay({ url: new URL('/sensors', base), limitMs, signal }, servedReadings);
    return { ...known, problem: null, sensors };
  } catch (error) {
    return { ...known, problem: sentenceOf(error), sensors: [] };
  }
}

/** Results in the order of the items, so many of them in work at a time. */
async function ofEach<Item, Result>(items: readonly Item[], work: (item: Item) => Promise<Result>) {
  const results: Result[] = [];
  const turns = items.entries();
  const worker = async (): Promise<void> => {
    for (const [index, item] of turns) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: ASKED_AT_ONCE }, worker));
  return results;
}

/** The table, then a line for each device that did not answer. */
export function sensorsText(answers: readonly DeviceReadings[]): string {
  const rows = answers.flatMap(({ device, sensors }) =>
    sensors.map((reading) => [
      device,
      reading.id,
      valueText(reading),
      ageText(reading.ageMs),
      stateText(reading),
    ]),
  );
  const table = rows.length > 0 ? tableText(['device', 'sensor', 'value', 'age', 'state'], rows, [3]) : '';
  const silent = answers.flatMap(({ device, ip4, problem }) =>
    problem === null ? [] : `${harmless(`${device} (${ip4}): ${problem}`)}\n`,
  );
  return table + silent.join('');
}
