/**
 * Lines of a Raspberry Pi's 40-pin header, by their name (`GPIO17`) or pin (`pin 11`), lines of any other chip by its
 * label (`0000:00:0c.0:40`), and the numbers that the kernel has for them. Its number is the chip's base and the line's
 * place; the base differs between kernels (0, 512, 571 have been seen), so it is asked for each time.
 */
import { EnvironmentFault } from '../../../agent/errors.ts';
import type { Sysfs } from '../../../agent/ports/sysfs.ts';
import { decimal } from '../../kernel-text.ts';

const CHIPS = '/sys/class/gpio';
/** Of Pi Zero to 3, of Pi 4, of Pi 5. */
const HEADER_CHIPS = ['pinctrl-bcm2835', 'pinctrl-bcm2711', 'pinctrl-rp1'];

/** Pin of the header -> its line; the other pins are power and ground. */
const LINE_OF_PIN: ReadonlyMap<number, number> = new Map([
  ...([
    [3, 2],
    [5, 3],
    [7, 4],
    [8, 14],
    [10, 15],
    [11, 17],
    [12, 18],
  ] as const),
  ...([
    [13, 27],
    [15, 22],
    [16, 23],
    [18, 24],
    [19, 10],
    [21, 9],
    [22, 25],
  ] as const),
  ...([
    [23, 11],
    [24, 8],
    [26, 7],
    [27, 0],
    [28, 1],
    [29, 5],
    [31, 6],
  ] as const),
  ...([
    [32, 12],
    [33, 13],
    [35, 19],
    [36, 16],
    [37, 26],
    [38, 20],
    [40, 21],
  ] as const),
]);

/** The line's place on its chip. EnvironmentFault('no-gpio') for a pin without one. */
export function headerLine(name: string): number {
  const [, form, digits] = /^(GPIO|pin )(\d{1,2})$/.exec(name) ?? [];
  const line = form === 'GPIO' ? Number(digits) : LINE_OF_PIN.get(Number(digits));
  if (line !== undefined && line <= 27) return line;
  throw new EnvironmentFault(
    'no-gpio',
    `${name} is no GPIO line of the 40-pin header: name one from GPIO0 to GPIO27`,
  );
}

/** The labels that the line's chip may have, and its place there. */
function placeOf(name: string): { labels: readonly string[]; line: number } {
  const [, label, digits] = /^(.+):(\d+)$/.exec(name) ?? [];
  if (label === undefined) return { labels: HEADER_CHIPS, line: headerLine(name) };
  return { labels: [label], line: Number(digits) };
}

/** The kernel's number of a line that a config names. */
export async function kernelLine(sysfs: Sysfs, name: string, signal: AbortSignal): Promise<number> {
  const { labels, line } = placeOf(name);
  const seen: string[] = [];
  for (const entry of await sysfs.list(CHIPS)) {
    if (!/^gpiochip\d+$/.test(entry)) continue;
    const label = (await sysfs.read(`${CHIPS}/${entry}/label`, signal)) ?? '';
    seen.push(label);
    if (!labels.includes(label)) continue;
    const number = async (file: string) =>
      decimal(
        (await sysfs.read(`${CHIPS}/${entry}/${file}`, signal)) ?? undefined,
        `${CHIPS}/${entry}/${file}`,
      );
    if (line < (await number('ngpio'))) return (await number('base')) + line;
  }
  const chip = labels === HEADER_CHIPS ? "is a Raspberry Pi's header" : `has a line ${name}`;
  throw new EnvironmentFault(
    'no-gpio',
    `no GPIO chip in ${CHIPS} ${chip} (seen: ${seen.join(', ') || 'none'}): name a line of one that is there, or none`,
    { retryable: true },
  );
}
