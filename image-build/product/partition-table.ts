/** Reads the partition table (MBR) at the start of a disk image. */

export const SECTOR_BYTES = 512;

const ENTRIES_AT = 446;
const ENTRY_BYTES = 16;
const SIGNATURE_AT = 510;
const SIGNATURE = 0xaa55;

export interface Partition {
  /** From 1, in the order of the table. */
  readonly number: number;
  /** The MBR's type byte: 0x0c is FAT32, 0x83 Linux. */
  readonly type: number;
  readonly startBytes: number;
  readonly sizeBytes: number;
}

/** The used entries of a disk's first sector; null where it has no partition table. */
export function readPartitionTable(sector: Buffer): Partition[] | null {
  if (sector.length < SECTOR_BYTES || sector.readUInt16LE(SIGNATURE_AT) !== SIGNATURE) return null;
  const partitions: Partition[] = [];
  for (let number = 1; number <= 4; number += 1) {
    const at = ENTRIES_AT + (number - 1) * ENTRY_BYTES;
    const type = sector.readUInt8(at + 4);
    if (type === 0) continue;
    partitions.push({
      number,
      type,
      startBytes: sector.readUInt32LE(at + 8) * SECTOR_BYTES,
      sizeBytes: sector.readUInt32LE(at + 12) * SECTOR_BYTES,
    });
  }
  return partitions;
}
