/** Reads the partition table of an image or a disk: the four entries of an MBR, or a GPT behind a protective one. */

export interface Partition {
  /** From 1, as the kernel counts. */
  number: number;
  startBytes: number;
  sizeBytes: number;
}

const SECTOR_BYTES = 512;
const MBR_ENTRIES = { at: 446, bytes: 16, count: 4 };
const PROTECTIVE = 0xee;
/** More entries than anybody's tool makes are a damaged header. */
const GPT_MOST_ENTRIES = 256;

/** What of a disk's start is enough for any table that `readPartitionTable` reads. */
export const TABLE_BYTES = 64 * 1024;

/** The partitions, by number; null where there is no table. `head` is the start of the disk, TABLE_BYTES of it. */
export function readPartitionTable(head: Uint8Array): Partition[] | null {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (view.byteLength < SECTOR_BYTES || view.getUint16(510, true) !== 0xaa55) return null;
  const isProtected = view.getUint8(MBR_ENTRIES.at + 4) === PROTECTIVE;
  const partitions = isProtected ? gptPartitions(view) : mbrPartitions(view);
  return partitions.length > 0 ? partitions : null;
}

function mbrPartitions(view: DataView): Partition[] {
  return Array.from({ length: MBR_ENTRIES.count }, (_, index) => {
    const at = MBR_ENTRIES.at + index * MBR_ENTRIES.bytes;
    return {
      number: index + 1,
      isUsed: view.getUint8(at + 4) !== 0,
      startBytes: view.getUint32(at + 8, true) * SECTOR_BYTES,
      sizeBytes: view.getUint32(at + 12, true) * SECTOR_BYTES,
    };
  })
    .filter(({ isUsed, sizeBytes }) => isUsed && sizeBytes > 0)
    .map(({ number, startBytes, sizeBytes }) => ({ number, startBytes, sizeBytes }));
}

function gptPartitions(view: DataView): Partition[] {
  const header = SECTOR_BYTES;
  if (view.byteLength < header + SECTOR_BYTES) return [];
  const signature = String.fromCharCode(...new Uint8Array(view.buffer, view.byteOffset + header, 8));
  if (signature !== 'EFI PART') return [];
  const at = Number(view.getBigUint64(header + 72, true)) * SECTOR_BYTES;
  const count = view.getUint32(header + 80, true);
  const bytes = view.getUint32(header + 84, true);
  if (count > GPT_MOST_ENTRIES || bytes < 128 || at + count * bytes > view.byteLength) return [];
  return Array.from({ length: count }, (_, index) => ({ number: index + 1, at: at + index * bytes }))
    .filter(
      ({ at: entry }) => view.getBigUint64(entry, true) !== 0n || view.getBigUint64(entry + 8, true) !== 0n,
    )
    .map(({ number, at: entry }) => {
      const first = Number(view.getBigUint64(entry + 32, true));
      const last = Number(view.getBigUint64(entry + 40, true));
      return { number, startBytes: first * SECTOR_BYTES, sizeBytes: (last - first + 1) * SECTOR_BYTES };
    })
    .filter(({ sizeBytes }) => sizeBytes > 0);
}
