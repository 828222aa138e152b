/** Where a process's memory is, from /proc/PID/smaps (proc(5)), by the file that it maps or by its kind. */
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { MemoryUse } from './process-cost.ts';

export interface MappedMemory extends MemoryUse {
  /** A file's name, or what the kernel calls it: [heap], [stack]; [anonymous] is all the rest. */
  name: string;
}

/** The largest first. */
export async function memoryMapOf(pid: number): Promise<MappedMemory[]> {
  return memoryMapIn(await readFile(`/proc/${pid}/smaps`, 'utf8'));
}

export function memoryMapIn(smaps: string): MappedMemory[] {
  const found = new Map<string, MappedMemory>();
  let current: MappedMemory | undefined;
  for (const line of smaps.split('\n')) {
    const mapping = /^[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \d+ *(.*)$/.exec(line);
    if (mapping) {
      const name = nameOf(mapping[1] ?? '');
      current = found.get(name) ?? { name, rssKB: 0, privateDirtyKB: 0 };
      found.set(name, current);
    }
    const [, field, value] = /^(Rss|Private_Dirty): +(\d+) kB$/.exec(line) ?? [];
    if (!current || value === undefined) continue;
    if (field === 'Rss') current.rssKB += Number(value);
    else current.privateDirtyKB += Number(value);
  }
  return [...found.values()].sort((one, other) => other.rssKB - one.rssKB);
}

function nameOf(mapped: string): string {
  if (mapped === '') return '[anonymous]';
  return mapped.startsWith('[') ? mapped : basename(mapped);
}
