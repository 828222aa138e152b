/** The input devices that the kernel shows, and which buttons and switches each has. */
import type { Sysfs } from '../../../agent/ports/sysfs.ts';
import { placeOnBus } from '../../sensor-names.ts';
import { EV_KEY, EV_SW } from './input-event.ts';

const DEVICES = '/sys/class/input';
/** Drivers of what is wired to a board's pins; everything else is somebody's keyboard, until the config names it. */
const BOARD_DRIVERS = /\/gpio-keys(-polled)?$/;
/** A keyboard has a hundred; what is wired to a board has a few. */
export const MOST_CODES = 32;

export interface InputControl {
  type: typeof EV_KEY | typeof EV_SW;
  code: number;
}

export interface InputDevice {
  /** As `evtest` and /proc/bus/input/devices give it. */
  name: string;
  /** Place on its bus: tells two devices of one name apart. */
  device: string;
  /** `/dev/input/event0`. */
  path: string;
  controls: readonly InputControl[];
}

/** Those on the board's pins, and those that are `named`. */
export async function findInputDevices(
  sysfs: Sysfs,
  named: readonly string[],
  wordBytes: 4 | 8,
  signal: AbortSignal,
): Promise<InputDevice[]> {
  const found: InputDevice[] = [];
  for (const entry of await sysfs.list(DEVICES)) {
    if (!/^event\d+$/.test(entry)) continue;
    const directory = `${DEVICES}/${entry}/device`;
    const name = await sysfs.read(`${directory}/name`, signal);
    if (!name) continue;
    const driver = (await sysfs.resolve(`${directory}/device/driver`)) ?? '';
    if (!BOARD_DRIVERS.test(driver) && !named.includes(name)) continue;
    const bits = async (kind: string) =>
      bitsIn((await sysfs.read(`${directory}/capabilities/${kind}`, signal)) ?? '', wordBytes);
    const controls = [
      ...(await bits('key')).map((code) => ({ type: EV_KEY, code }) as const),
      ...(await bits('sw')).map((code) => ({ type: EV_SW, code }) as const),
    ].slice(0, MOST_CODES);
    const parent = (await sysfs.resolve(`${directory}/device`)) ?? '';
    found.push({ name, device: placeOnBus(parent), path: `/dev/input/${entry}`, controls });
  }
  return found;
}

/** `10000 0 0 0` -> the numbers of the bits that are set; the words are hexadecimal, the last one holds bit 0. */
export function bitsIn(text: string, wordBytes: 4 | 8): number[] {
  const words = text.split(/\s+/).filter((word) => /^[0-9a-f]{1,16}$/i.test(word));
  return words
    .reverse()
    .flatMap((word, index) =>
      [...BigInt(`0x${word}`).toString(2)]
        .reverse()
        .flatMap((bit, place) => (bit === '1' ? [index * 8 * wordBytes + place] : [])),
    );
}
