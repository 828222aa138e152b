/** What every system is measured in: the lab's LAN with hosts A and B, and the programs that do the work. */
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { EnvironmentFault } from '../../agent/errors.ts';
import type { Lab } from '../lab/lab.ts';
import type { LabHost } from '../lab/lab-host.ts';
import type { LabProcess } from '../lab/lab-process.ts';
import { BenchHost } from './bench-host.ts';
import type { CpuCap, EndName } from './cpu-cap.ts';
import { EchoTool } from './echo-tool.ts';
import type { Programs } from './programs.ts';

const STOP_MS = 3000;
const ANCHOR_START_MS = 5000;
const DEVICE_POLL_MS = 2;

/** One of the two hosts, and how processes of a system are started on it. */
export class BenchEnd {
  readonly name: EndName;
  readonly host: LabHost;
  readonly #cap: CpuCap | null;
  readonly #anchor: LabProcess;
  readonly #servants: LabProcess[] = [];

  constructor(name: EndName, host: LabHost, cap: CpuCap | null) {
    this.name = name;
    this.host = host;
    this.#cap = cap;
    // As long as it lives, the host's devices can be seen in /proc, without a process for each look.
    this.#anchor = host.spawn(`the anchor of ${name}`, ['sh', '-c', 'echo here; exec sleep infinity']);
  }

  async untilEntered(): Promise<void> {
    await this.#anchor.waitForLine('a word', ANCHOR_START_MS, () => true);
  }

  /** Starts a process of the system that is measured: its CPU time and memory count, and are capped if any are. */
  serve(title: string, argv: readonly string[]): LabProcess {
    const command = this.#cap?.command(this.name, argv) ?? argv;
    const servant = this.host.spawn(`${title} on ${this.name}`, command);
    this.#servants.push(servant);
    return servant;
  }

  /** Starts a process that helps the system and is neither measured nor capped. */
  assist(title: string, argv: readonly string[]): void {
    this.#servants.push(this.host.spawn(title, argv));
  }

  /** Ends everything that `serve` and `assist` started since the last time, and waits until its device has gone. */
  async stopServants(): Promise<void> {
    await stopProcesses(this.#servants.splice(0));
    const deadline = performance.now() + STOP_MS;
    // The next system's device must not be taken for this one.
    while (hasOverlayRoute(this.#routes()) && performance.now() < deadline) await sleep(DEVICE_POLL_MS);
  }

  /** Runs a command of the set-up. Throws EnvironmentFault with what it said when it fails. */
  async run(argv: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.host.run(argv);
    if (code === 0) return stdout;
    const said = stderr.trim().split('\n')[0] || `exit ${code}`;
    throw new EnvironmentFault('set-up', `${argv.join(' ')}: ${said}`);
  }

  /** Resolves when the host has an overlay's device that is up and has an IPv4 address. */
  async untilDeviceUp(timeoutMs: number, servant: LabProcess): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    let ended = false;
    void servant.exited.then(() => {
      ended = true;
    });
    while (!hasOverlayRoute(this.#routes())) {
      if (ended || performance.now() > deadline) {
        const said = servant.lastLines(1)[0] ?? 'it said nothing';
        const what = ended ? 'ended' : `ran for ${timeoutMs} ms`;
        throw new EnvironmentFault('no-device', `${servant.title} ${what} without a device (${said})`);
      }
      await sleep(DEVICE_POLL_MS);
    }
  }

  #routes(): string {
    const file = `/proc/${this.#anchor.pid}/net/route`;
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  }
}

export interface BenchRig {
  lab: Lab;
  a: BenchEnd;
  b: BenchEnd;
  /** For what a system needs besides its two ends. */
  home: LabHost;
  programs: Programs;
  iperf3: string;
  echo: EchoTool;
}

/** Makes the hosts. Throws EnvironmentFault where a program is missing. */
export async function openRig(
  lab: Lab,
  programs: Programs,
  cap: CpuCap | null,
  stop: AbortSignal,
): Promise<BenchRig> {
  const iperf3 = programs.find('iperf3');
  if (iperf3 === null) throw new EnvironmentFault('no-iperf3', NO_IPERF3);
  const echo = new EchoTool(lab.directory);
  const host = async (name: string): Promise<LabHost> => new BenchHost(await lab.addHost(name), stop);
  const a = new BenchEnd('a', await host('end-a'), cap);
  const b = new BenchEnd('b', await host('end-b'), cap);
  const home = await host('home');
  await Promise.all([a.untilEntered(), b.untilEntered()]);
  return { lab, a, b, home, programs, iperf3, echo };
}

export const NO_IPERF3 = 'The program iperf3 is missing: install it with apt-get install iperf3.';

/** Whether /proc/net/route names a device that is no part of the lab's LAN. */
export function hasOverlayRoute(routes: string): boolean {
  const devices = routes
    .split('\n')
    .slice(1)
    .map((line) => line.split('\t')[0] ?? '');
  return devices.some((device) => device !== '' && device !== 'eth0' && device !== 'lo');
}

/** Asks them to end, and insists. */
async function stopProcesses(processes: readonly LabProcess[]): Promise<void> {
  const ended = Promise.all(processes.map(({ exited }) => exited));
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    for (const process of processes) process.kill(signal);
    await Promise.race([ended, sleep(STOP_MS, undefined, { ref: false })]);
  }
}
