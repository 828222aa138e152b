/**
 * GPIO lines that the signed config names, on boards whose kernel has a GPIO chip: the Raspberry Pi's own line by its
 * name, and on "virt" a line that is moved from outside, whose edges have to arrive at a member one by one.
 */
import { tincanCommand } from '../demo/tincan-command.ts';
import { BoardPins, PINS_OF_VIRT } from './board-pins.ts';
import { goodReading, readings } from './device-checks.ts';
import type { EmulatedDevice } from './emulated-device.ts';
import type { TestedBoard } from './image-options.ts';
import type { ImageReport } from './image-report.ts';
import type { ImageScene } from './image-scene.ts';

const HEADER_LINE = 'GPIO17';
/** Not the third: that is the power button of "virt". */
const MOVED_LINE = 5;
const SENSOR = 'gpio-door';
/** So seldom that only edges bring readings. */
const NEVER_MS = 86_400_000;
const EDGE_LIMIT_MS = 60_000;
/** Opened, closed, and so on. */
const EDGES = 6;

interface PinsOfBoard {
  readonly scene: ImageScene;
  readonly report: ImageReport;
  readonly board: TestedBoard;
  readonly device: EmulatedDevice;
  readonly ip4: string;
}

/** What is signed for a board of the test; null where there is nothing to declare. */
export function pinsDeclaredOn(board: TestedBoard): object | null {
  if (board === 'raspi3b') return { gpio: [{ name: 'door', line: HEADER_LINE }] };
  if (board !== 'virt') return null;
  return {
    gpio: [{ name: 'door', line: `${PINS_OF_VIRT.label}:${MOVED_LINE}`, counter: true }],
    sampling: [
      { id: SENSOR, intervalMs: NEVER_MS },
      { id: `${SENSOR}-count`, intervalMs: NEVER_MS },
    ],
  };
}

/** The cases of the board's pins, if it has any. */
export async function readPins(pins: PinsOfBoard): Promise<void> {
  if (pins.board === 'raspi3b') await readHeader(pins);
  if (pins.board === 'virt') await followEdges(pins);
}

async function readHeader({ scene, report, device, ip4 }: PinsOfBoard): Promise<void> {
  await report.run('raspi3b: its own temperature', async () => {
    const { value, unit } = goodReading(await readings(scene, device.name, ip4), 'cpu-temperature');
    return `${value} ${unit}`;
  });
  await report.run(`raspi3b: the line ${HEADER_LINE} by its name`, async () => {
    const { value } = goodReading(await readings(scene, device.name, ip4), SENSOR);
    return `door is ${value}`;
  });
}

async function followEdges({ scene, report, device, ip4 }: PinsOfBoard): Promise<void> {
  const title = `virt: every edge at a GPIO line arrives at the laptop`;
  await report.run(title, async () => {
    const pins = await BoardPins.find(device.qmpSocket, device.testSocket, PINS_OF_VIRT.type);
    const before = goodReading(await readings(scene, device.name, ip4), `${SENSOR}-count`).value;
    const watch = scene.laptopHost.spawn(
      'tincan watch',
      tincanCommand('watch', device.name, '--json', '--socket', scene.laptop.socket),
    );
    try {
      await watch.waitForLine('a first reading', EDGE_LIMIT_MS, (line) => line.includes('"uptime"'));
      for (let edge = 1; edge <= EDGES; edge += 1) {
        const level = edge % 2 === 1 ? 1 : 0;
        await pins.set(MOVED_LINE, level);
        const count = Number(before) + edge;
        await watch.waitForLine(`edge ${edge}`, EDGE_LIMIT_MS, (line) =>
          isReading(line, `${SENSOR}-count`, count),
        );
        const { value } = goodReading(await readings(scene, device.name, ip4), SENSOR);
        if (value !== level) throw new Error(`the line is ${level}, and the reading is ${value}`);
      }
    } finally {
      watch.kill('SIGTERM');
      await watch.exited;
    }
    return `${EDGES} edges at ${PINS_OF_VIRT.label}:${MOVED_LINE}, counted and read`;
  });
}

function isReading(line: string, id: string, value: number): boolean {
  const reading = JSON.parse(line) as { id?: string; value?: unknown };
  return reading.id === id && reading.value === value;
}
