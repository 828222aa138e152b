/**
 * What a board at rest costs: memory, and writes to its card. Both ends count the writes, the board's kernel and QEMU,
 * and have to agree on all since power on: a counter that stands still would look like a card that is left alone. QEMU's SD
 * cards count nothing, so on such a board it is the kernel alone.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { EnvironmentFault } from '../../agent/errors.ts';
import type { EmulatedDevice } from './emulated-device.ts';
import { memoryAtRest } from './guest-checks.ts';
import type { GuestShell } from './guest-shell.ts';
import type { TestedBoard } from './image-options.ts';
import type { ImageReport } from './image-report.ts';
import { type CardWrites, cardWrites } from './qemu-monitor.ts';

/** After the first boot there is still work: the data partition grows, and NTP is looked for. */
const SETTLE_MS = 60_000;
const SECTOR_BYTES = 512;
/** Boards whose card is QEMU's model of an SD card. */
const WITH_SD_CARD: readonly TestedBoard[] = ['raspi3b'];

interface RestingBoard {
  readonly shell: GuestShell;
  readonly report: ImageReport;
  readonly board: TestedBoard;
  readonly device: EmulatedDevice;
  readonly ip4: string;
  readonly restSeconds: number;
  readonly signal: AbortSignal;
}

/** One case; the figures go into the report. */
export async function measureAtRest(resting: RestingBoard): Promise<void> {
  const { shell, report, board, device, ip4, restSeconds, signal } = resting;
  await report.run(`${board}: memory and writes to the card at rest`, async () => {
    await sleep(SETTLE_MS, undefined, { signal });
    const before = await agreedWrites(resting);
    await sleep(restSeconds * 1000, undefined, { signal });
    const after = await agreedWrites(resting);
    const perHour = (count: (writes: CardWrites) => number): number =>
      Math.round(((count(after) - count(before)) * 3600) / Math.max(restSeconds, 1));
    await memoryAtRest({ shell, report, board, ip4, card: device.card });
    const operations = perHour((writes) => writes.operations);
    report.measured(`${board}: writes to the card per hour at rest`, operations);
    report.measured(
      `${board}: kB written per hour at rest`,
      perHour(({ bytes }) => bytes / 1000),
    );
    report.measured(`${board}: kB written since its first start`, Math.round(before.bytes / 1000));
    const counters = WITH_SD_CARD.includes(board) ? "its kernel's count" : "QEMU's count and its kernel's";
    return `${operations} writes per hour over ${restSeconds} s, by ${counters}`;
  });
}

/** Since power on. Throws EnvironmentFault where QEMU and the board's kernel do not count the same bytes. */
async function agreedWrites({ shell, board, device, ip4 }: RestingBoard): Promise<CardWrites> {
  const disk = 'basename $(dirname $(readlink -f /sys/class/block/$(basename $(findmnt -no SOURCE /data))))';
  const [seen, stat] = [
    await cardWrites(device.qmpSocket),
    await shell.run(ip4, `cat /sys/class/block/$(${disk})/stat`),
  ];
  // Documentation/block/stat.rst: the fifth number is the writes, the seventh the sectors written.
  const numbers = stat.trim().split(/\s+/).map(Number);
  const own: CardWrites = { operations: numbers[4] ?? 0, bytes: (numbers[6] ?? 0) * SECTOR_BYTES };
  if (own.bytes > 0 && WITH_SD_CARD.includes(board)) return own;
  if (own.bytes > 0 && own.bytes === seen.bytes) return seen;
  throw new EnvironmentFault(
    'uncounted-writes',
    `the board's kernel wrote ${own.bytes} bytes to its card, and QEMU saw ${seen.bytes}`,
  );
}
