import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { replayCut, seededChance } from '../../image/write-log.ts';

const SECTOR = 512;
const FLUSH = 1n;

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tincan-log-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

type Entry = { sector: number; fill: number } | 'flush';

/** In the kernel's form: Documentation/admin-guide/device-mapper/log-writes.rst. */
function logOf(entries: readonly Entry[]): Buffer {
  const start = Buffer.alloc(SECTOR);
  start.writeBigUInt64LE(0x6a736677736872n, 0);
  start.writeBigUInt64LE(1n, 8);
  start.writeUInt32LE(SECTOR, 24);
  const parts = entries.map((entry) => {
    const header = Buffer.alloc(SECTOR);
    if (entry === 'flush') {
      header.writeBigUInt64LE(FLUSH, 16);
      return header;
    }
    header.writeBigUInt64LE(BigInt(entry.sector), 0);
    header.writeBigUInt64LE(1n, 8);
    return Buffer.concat([header, Buffer.alloc(SECTOR, entry.fill)]);
  });
  return Buffer.concat([start, ...parts]);
}

async function cut(entries: readonly Entry[], chance: () => number, cutOff = 0) {
  const [log, card] = [join(directory, 'log'), join(directory, 'card')];
  const bytes = logOf(entries);
  await writeFile(log, bytes.subarray(0, bytes.length - cutOff));
  await writeFile(card, Buffer.alloc(8 * SECTOR));
  const loss = await replayCut(log, card, chance);
  const kept = await readFile(card);
  return { loss, sectors: Array.from({ length: 8 }, (_, sector) => kept[sector * SECTOR] ?? -1) };
}

describe('a card that loses its power', () => {
  it('keeps everything up to the last flush, and loses of the rest what chance says', async () => {
    const entries: Entry[] = [
      { sector: 0, fill: 1 },
      { sector: 1, fill: 2 },
      'flush',
      { sector: 2, fill: 3 },
    ];
    const all = await cut(entries, () => 0);
    expect(all.sectors).toEqual([1, 2, 0, 0, 0, 0, 0, 0]);
    expect(all.loss).toEqual({ writes: 3, unflushed: 1, lost: 1 });
    const none = await cut(entries, () => 0.9);
    expect(none.sectors).toEqual([1, 2, 3, 0, 0, 0, 0, 0]);
    expect(none.loss).toEqual({ writes: 3, unflushed: 1, lost: 0 });
  });

  it('may keep a later write and lose an earlier one', async () => {
    const chances = [0.1, 0.9];
    const { sectors } = await cut(
      [
        { sector: 3, fill: 7 },
        { sector: 4, fill: 8 },
      ],
      () => chances.shift() ?? 1,
    );
    expect(sectors).toEqual([0, 0, 0, 0, 8, 0, 0, 0]);
  });

  it('takes no notice of a record that was being written, nor of an empty log', async () => {
    const { sectors, loss } = await cut(
      [
        { sector: 0, fill: 1 },
        { sector: 1, fill: 2 },
      ],
      () => 1,
      100,
    );
    expect(sectors[1]).toBe(0);
    expect(loss.writes).toBe(1);
    expect((await cut([], () => 0)).loss).toEqual({ writes: 0, unflushed: 0, lost: 0 });
  });
});

describe('chance with a seed', () => {
  it('gives the same numbers again, from 0 to 1', () => {
    const [one, other, third] = [seededChance(7), seededChance(7), seededChance(8)];
    const numbers = Array.from({ length: 100 }, one);
    expect(Array.from({ length: 100 }, other)).toEqual(numbers);
    expect(Array.from({ length: 100 }, third)).not.toEqual(numbers);
    expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true);
    expect(new Set(numbers).size).toBeGreaterThan(90);
  });
});
