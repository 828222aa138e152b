/** What processes cost: CPU time from /proc/PID/stat, memory from /proc/PID/smaps_rollup (proc(5)). */
import { readFile } from 'node:fs/promises';

/** USER_HZ: the kernel's unit in /proc on every architecture that Tincan runs on. */
const TICKS_PER_SECOND = 100;

export interface MemoryUse {
  rssKB: number;
  /** Pages that only this process has, and has written to: what one more process costs. */
  privateDirtyKB: number;
}

/** CPU seconds, user and system, of all threads of all the processes so far; one that has ended counts nothing. */
export async function cpuSecondsOf(pids: readonly number[]): Promise<number> {
  const texts = await Promise.all(pids.map((pid) => readProc(pid, 'stat')));
  return texts.reduce((sum, text) => sum + (text === null ? 0 : cpuSecondsIn(text)), 0);
}

/** All the processes of one end together. */
export async function memoryOf(pids: readonly number[]): Promise<MemoryUse> {
  const texts = await Promise.all(pids.map((pid) => readProc(pid, 'smaps_rollup')));
  const uses = texts.flatMap((text) => (text === null ? [] : [memoryIn(text)]));
  return {
    rssKB: uses.reduce((sum, { rssKB }) => sum + rssKB, 0),
    privateDirtyKB: uses.reduce((sum, { privateDirtyKB }) => sum + privateDirtyKB, 0),
  };
}

/** utime and stime (fields 14 and 15); the name in field 2 may hold spaces and brackets. */
export function cpuSecondsIn(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [utime, stime] = [Number(fields[11]), Number(fields[12])];
  return (utime + stime) / TICKS_PER_SECOND;
}

export function memoryIn(smapsRollup: string): MemoryUse {
  const kilobytes = (name: string): number =>
    Number(new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(smapsRollup)?.[1] ?? 0);
  return { rssKB: kilobytes('Rss'), privateDirtyKB: kilobytes('Private_Dirty') };
}

async function readProc(pid: number, file: string): Promise<string | null> {
  try {
    return await readFile(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    // It has ended.
    return null;
  }
}
