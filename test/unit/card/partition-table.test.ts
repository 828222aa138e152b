import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findBootPartition } from '../../../image-build/card/boot-partition.ts';
import { readPartitionTable, TABLE_BYTES } from '../../../image-build/card/partition-table.ts';

const SECTOR = 512;

function mbr(...parts: [kind: number, first: number, sectors: number][]): Buffer {
  const disk = Buffer.alloc(TABLE_BYTES);
  for (const [index, [kind, first, sectors]] of parts.entries()) {
    const at = 446 + 16 * index;
    disk[at + 4] = kind;
    disk.writeUInt32LE(first, at + 8);
    disk.writeUInt32LE(sectors, at + 12);
  }
  disk.writeUInt16LE(0xaa55, 510);
  return disk;
}

function gpt(first: number, last: number): Buffer {
  const disk = mbr([0xee, 1, 0xffffffff]);
  disk.write('EFI PART', SECTOR, 'latin1');
  disk.writeBigUInt64LE(2n, SECTOR + 72);
  disk.writeUInt32LE(128, SECTOR + 80);
  disk.writeUInt32LE(128, SECTOR + 84);
  disk.write('some kind of it.', 2 * SECTOR, 'latin1');
  disk.writeBigUInt64LE(BigInt(first), 2 * SECTOR + 32);
  disk.writeBigUInt64LE(BigInt(last), 2 * SECTOR + 40);
  return disk;
}

describe('readPartitionTable', () => {
  it('reads an MBR', () => {
    expect(readPartitionTable(mbr([0x0c, 8, 100], [0, 0, 0], [0x83, 200, 50]))).toEqual([
      { number: 1, startBytes: 8 * SECTOR, sizeBytes: 100 * SECTOR },
      { number: 3, startBytes: 200 * SECTOR, sizeBytes: 50 * SECTOR },
    ]);
  });

  it('reads a GPT', () => {
    expect(readPartitionTable(gpt(2048, 4095))).toEqual([
      { number: 1, startBytes: 2048 * SECTOR, sizeBytes: 2048 * SECTOR },
    ]);
  });

  it('finds none where there is none', () => {
    const noHeader = gpt(2048, 4095).fill(0, SECTOR, SECTOR + 8);
    const manyEntries = gpt(2048, 4095);
    manyEntries.writeUInt32LE(0xffffffff, SECTOR + 80);
    for (const disk of [Buffer.alloc(0), Buffer.alloc(TABLE_BYTES), mbr(), noHeader, manyEntries]) {
      expect(readPartitionTable(disk)).toBeNull();
    }
  });

  it('takes any bytes', () => {
    const start = fc.constantFrom(mbr(), gpt(1, 2));
    fc.assert(
      fc.property(
        start,
        fc.array(fc.tuple(fc.nat(2_000), fc.nat(255))),
        fc.nat(TABLE_BYTES),
        (disk, edits, length) => {
          const changed = Buffer.from(disk.subarray(0, length));
          for (const [at, byte] of edits) if (at < length) changed[at] = byte;
          for (const { sizeBytes } of readPartitionTable(changed) ?? []) expect(sizeBytes).toBeGreaterThan(0);
        },
      ),
    );
  });
});

describe('findBootPartition', () => {
  function withFat(label = 'RASPIFIRM  ', kind = 'FAT32   '): Buffer {
    const disk = mbr([0x0c, 8, 8], [0x83, 16, 16]);
    disk.write(label, 8 * SECTOR + 71, 'latin1');
    disk.write(kind, 8 * SECTOR + 82, 'latin1');
    return disk;
  }
  const reasonOf = (disk: Buffer, bytes = disk.length) => {
    try {
      return findBootPartition('x.img', disk, bytes).startBytes;
    } catch (error) {
      return error;
    }
  };

  it('finds it by its place, kind and label', () => {
    expect(reasonOf(withFat())).toBe(8 * SECTOR);
  });

  it('refuses what is no image, and what is half of one', () => {
    expect(reasonOf(withFat('NO NAME    '))).toMatchObject({ reason: 'not-an-image' });
    expect(reasonOf(withFat('RASPIFIRM  ', 'FAT16   '))).toMatchObject({ reason: 'not-an-image' });
    expect(reasonOf(Buffer.alloc(TABLE_BYTES))).toMatchObject({ reason: 'not-an-image' });
    expect(reasonOf(withFat(), 20 * SECTOR)).toMatchObject({ reason: 'image-damaged' });
  });
});
