/** The disks of this computer, as the kernel knows them; what writing a card needs to know before it dares to. */

export interface BlockDevice {
  /** The kernel's name: `sdb`, `mmcblk0`. */
  name: string;
  /** The disk that it is a part of, when it is a partition. */
  partitionOf: string | null;
  sizeBytes: number;
  isReadOnly: boolean;
  /** A card, a stick: what one takes out. */
  isRemovable: boolean;
  /** Maker and model, where the device says so. */
  model: string | null;
  /** Where it or a part of it is mounted or otherwise used (swap, volumes on it), in words. */
  uses: readonly { what: string; isSystem: boolean }[];
}

export interface BlockDevices {
  /** The block device at this path, symbolic links followed; null where the path is something else, or nothing. */
  at(path: string): Promise<BlockDevice | null>;
}
