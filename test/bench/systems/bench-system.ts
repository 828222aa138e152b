/** What the benchmark needs of a system that it measures: one file for each in this folder. */
import type { LabProcess } from '../../lab/lab-process.ts';
import type { SystemName } from '../bench-options.ts';
import type { Programs } from '../programs.ts';
import type { BenchEnd, BenchRig } from '../rig.ts';

export interface BenchSystem {
  readonly name: SystemName;
  /** Programs that have to be installed; a system without them is left out. */
  readonly programs: readonly string[];
  /** The command that prints its version in its first line. */
  version(programs: Programs): string[] | null;
  /** Keys and configuration, once, before the first start. */
  prepare(rig: BenchRig): Promise<void>;
  /**
   * From nothing to a device that is up on both hosts. What `BenchEnd.serve` started is stopped by the caller, also
   * when this throws.
   */
  start(rig: BenchRig): Promise<RunningSystem>;
}

export interface RunningSystem {
  addressOfB: string;
  /** Null: it carries no IPv6. */
  ip6OfB: string | null;
  /** Whose CPU time and memory count. */
  processes: { a: LabProcess[]; b: LabProcess[] };
  /** From the start of the processes to the device up with its address, the slower end's; null: there is none. */
  startMs: number | null;
  /** Resolves when traffic takes the way that is to be measured; throws with one sentence when it does not come. */
  untilSettled?(): Promise<void>;
  /** Makes traffic take the slow path; resolves with the way back. */
  forceSlowPath?(): Promise<() => Promise<void>>;
  /** Takes away what is not a process of `BenchEnd.serve`. */
  tidy?(): Promise<void>;
}

/** Addresses inside all overlays but ours, which has its fleet's. */
export const OVERLAY = {
  a: { ip4: '10.50.0.1', ip6: 'fd50::1' },
  b: { ip4: '10.50.0.2', ip6: 'fd50::2' },
} as const;

const DEVICE_UP_MS = 15_000;

/** Starts both ends with `launch`, which resolves when the end is configured, and waits for their devices. */
export async function startEnds(
  { a, b }: BenchRig,
  launch: (end: BenchEnd) => Promise<LabProcess> | LabProcess,
): Promise<Pick<RunningSystem, 'processes' | 'startMs'>> {
  const startedAt = performance.now();
  const up = async (end: BenchEnd): Promise<LabProcess> => {
    const servant = await launch(end);
    await end.untilDeviceUp(DEVICE_UP_MS, servant);
    return servant;
  };
  const [ofA, ofB] = await Promise.all([up(a), up(b)]);
  return { processes: { a: [ofA], b: [ofB] }, startMs: performance.now() - startedAt };
}

/** Gives an Ethernet device, or one that carries any IP, its IPv6 address. */
export async function addIp6({ a, b }: BenchRig, device: string): Promise<void> {
  for (const end of [a, b]) {
    const address = `${OVERLAY[end.name].ip6}/64`;
    await end.run(['ip', '-6', 'address', 'add', address, 'dev', device, 'nodad']);
  }
}

/** The absolute path of a program that `BenchSystem.programs` names. */
export function installed(programs: Programs, program: string): string {
  return programs.find(program) ?? program;
}
