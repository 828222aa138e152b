/**
 * A limit on the CPU time of each end's processes, by a control group for each end: cpu.max of cgroup v2, or
 * cpu.cfs_quota_us where the cpu controller is still mounted as version 1.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EnvironmentFault, sentenceOf } from '../../agent/errors.ts';

/** Short, so that a capped process is slow and not stopped for long; its quota is still some milliseconds. */
const PERIOD_US = 20_000;

export type EndName = 'a' | 'b';

/** A mounted hierarchy that has the cpu controller. */
export interface CpuHierarchy {
  version: 1 | 2;
  directory: string;
}

export class CpuCap {
  readonly #groups: Record<EndName, string>;

  /** Throws EnvironmentFault with one sentence where this machine does not allow it. */
  constructor(share: number, labName: string) {
    const hierarchy = cpuHierarchyIn(readFileSync('/proc/self/mounts', 'utf8'), hasCpuController);
    if (!hierarchy) {
      throw new EnvironmentFault(
        'no-cpu-controller',
        '--cpu needs a mounted cgroup hierarchy with the cpu controller, and there is none: mount cgroup2, or leave --cpu out.',
      );
    }
    this.#groups = {
      a: join(hierarchy.directory, `${labName}-a`),
      b: join(hierarchy.directory, `${labName}-b`),
    };
    try {
      removeAbandonedGroups(hierarchy.directory);
      for (const group of Object.values(this.#groups)) makeGroup(hierarchy, group, share);
    } catch (error) {
      this.close();
      throw new EnvironmentFault(
        'no-cpu-group',
        `--cpu needs a control group below ${hierarchy.directory}, which cannot be made (${sentenceOf(error)}): run this as root on the machine itself, or leave --cpu out.`,
        { cause: error },
      );
    }
  }

  /** The command that runs `argv` under the limit of this end, with everything that it starts. */
  command(end: EndName, argv: readonly string[]): string[] {
    return ['sh', '-c', 'echo $$ >"$0" && exec "$@"', join(this.#groups[end], 'cgroup.procs'), ...argv];
  }

  /** Only when the processes have ended. */
  close(): void {
    for (const group of Object.values(this.#groups)) if (existsSync(group)) rmdirSync(group);
  }
}

/** From the text of /proc/self/mounts; version 2 before version 1. */
export function cpuHierarchyIn(
  mounts: string,
  hasController: (directory: string) => boolean,
): CpuHierarchy | null {
  const entries = mounts.split('\n').map((line) => line.split(' '));
  const second = entries.find(([, at = '', type]) => type === 'cgroup2' && hasController(at));
  if (second) return { version: 2, directory: second[1] ?? '' };
  const first = entries.find(
    ([, , type, flags = '']) => type === 'cgroup' && flags.split(',').includes('cpu'),
  );
  return first ? { version: 1, directory: first[1] ?? '' } : null;
}

function hasCpuController(directory: string): boolean {
  const file = join(directory, 'cgroup.controllers');
  return existsSync(file) && readFileSync(file, 'utf8').trim().split(' ').includes('cpu');
}

function makeGroup({ version, directory }: CpuHierarchy, group: string, share: number): void {
  const quotaUs = Math.round(PERIOD_US * share);
  if (version === 2) writeFileSync(join(directory, 'cgroup.subtree_control'), '+cpu');
  mkdirSync(group);
  if (version === 2) {
    writeFileSync(join(group, 'cpu.max'), `${quotaUs} ${PERIOD_US}`);
  } else {
    writeFileSync(join(group, 'cpu.cfs_period_us'), String(PERIOD_US));
    writeFileSync(join(group, 'cpu.cfs_quota_us'), String(quotaUs));
  }
}

/** Of benchmarks that were killed. A group that is in use cannot be removed, and is left alone. */
function removeAbandonedGroups(directory: string): void {
  for (const name of readdirSync(directory)) {
    if (!/^tincan-[0-9a-f]{8}-[ab]$/.test(name)) continue;
    try {
      rmdirSync(join(directory, name));
    } catch {
      // Another benchmark is running in it.
    }
  }
}
