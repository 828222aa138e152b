/**
 * What an SD card loses when its power is pulled. QEMU has recorded every write and flush (blklogwrites, in the form of
 * the kernel's dm-log-writes: a super block, then for each entry one sector of header and its data). Everything up to the
 * last flush is on the card; of what came after it the card has kept some, by chance and in any order.
 */
import { type FileHandle, open } from 'node:fs/promises';

const SECTOR_BYTES = 512;
const MAGIC = 0x6a736677736872n;
const FLAGS = { flush: 1n, fua: 2n, discard: 4n } as const;

interface LoggedWrite {
  readonly sector: bigint;
  readonly sectors: bigint;
  readonly flags: bigint;
  /** Where its data are in the log. */
  readonly at: number;
}

export interface CutLoss {
  /** Writes since the card was powered. */
  readonly writes: number;
  /** Those after the last flush, and how many of them the card has lost. */
  readonly unflushed: number;
  readonly lost: number;
}

/** Writes to `card`, a copy from before the power came on, what it has kept. `chance` gives numbers from 0 to 1. */
export async function replayCut(logFile: string, card: string, chance: () => number): Promise<CutLoss> {
  const log = await open(logFile, 'r');
  const target = await open(card, 'r+');
  try {
    const entries = await entriesOf(log);
    const lastFlush = entries.findLastIndex(({ flags }) => (flags & (FLAGS.flush | FLAGS.fua)) !== 0n);
    let lost = 0;
    for (const [position, entry] of entries.entries()) {
      if (position > lastFlush && entry.sectors > 0n && chance() < 0.5) lost += 1;
      else await copyData(log, entry, target);
    }
    await target.sync();
    const writes = entries.filter(({ sectors }) => sectors > 0n);
    const unflushed = entries.slice(lastFlush + 1).filter(({ sectors }) => sectors > 0n);
    return { writes: writes.length, unflushed: unflushed.length, lost };
  } finally {
    await log.close();
    await target.close();
  }
}

/** All that were recorded whole. The super block's own count is as of the last flush only. */
async function entriesOf(log: FileHandle): Promise<LoggedWrite[]> {
  const superBlock = await bytesAt(log, 0, SECTOR_BYTES);
  if (superBlock.length < SECTOR_BYTES || superBlock.readBigUInt64LE(0) !== MAGIC) return [];
  const sectorBytes = superBlock.readUInt32LE(24);
  const { size } = await log.stat();
  const entries: LoggedWrite[] = [];
  for (let at = sectorBytes; at + sectorBytes <= size; ) {
    const header = await bytesAt(log, at, SECTOR_BYTES);
    const [sector, sectors] = [header.readBigUInt64LE(0), header.readBigUInt64LE(8)];
    const [flags, dataBytes] = [header.readBigUInt64LE(16), header.readBigUInt64LE(24)];
    if (sectors === 0n && flags === 0n) break;
    const isDiscard = (flags & FLAGS.discard) !== 0n;
    const bytes = isDiscard ? 0 : Math.max(Number(sectors) * sectorBytes, Number(dataBytes));
    if (at + sectorBytes + bytes > size) break;
    entries.push({ sector, sectors: isDiscard ? 0n : sectors, flags, at: at + sectorBytes });
    at += sectorBytes + bytes;
  }
  return entries;
}

async function copyData(
  log: FileHandle,
  { sector, sectors, at }: LoggedWrite,
  target: FileHandle,
): Promise<void> {
  if (sectors === 0n) return;
  const bytes = await bytesAt(log, at, Number(sectors) * SECTOR_BYTES);
  await target.write(bytes, 0, bytes.length, Number(sector) * SECTOR_BYTES);
}

async function bytesAt(file: FileHandle, at: number, bytes: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, at);
  return buffer.subarray(0, bytesRead);
}

/** Numbers from 0 to 1 that a seed determines (mulberry32), so that a failed trial can be done again. */
export function seededChance(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
