/** One host of a lab: a network namespace with an Ethernet card `eth0` on the lab's LAN. */
import { type ExitStatus, LabProcess, type SpawnOptions } from './lab-process.ts';

export interface RunResult extends ExitStatus {
  stdout: string;
  stderr: string;
}

export class LabHost {
  readonly name: string;
  /** Name of the network namespace. */
  readonly namespace: string;
  /** IPv4 address of `eth0` on the LAN (the underlay). */
  readonly address: string;
  readonly #entering: readonly string[];

  /** `entering` is the command that a host's own command is appended to. */
  constructor(name: string, namespace: string, address: string, entering: readonly string[]) {
    this.name = name;
    this.namespace = namespace;
    this.address = address;
    this.#entering = entering;
  }

  /** The whole command that runs `argv` on this host, as it must be given outside. */
  command(argv: readonly string[]): string[] {
    return [...this.#entering, ...argv];
  }

  /** Starts a program on this host; the lab's guard ends it at the latest. `title` is what a report calls it. */
  spawn(title: string, argv: readonly string[], options: SpawnOptions = {}): LabProcess {
    return new LabProcess(title, this.command(argv), options);
  }

  /** Runs a program on this host to its end, or kills it after `timeoutMs`. Never throws for its exit code. */
  async run(argv: readonly string[], options: { timeoutMs?: number; cwd?: string } = {}): Promise<RunResult> {
    const lines = { stdout: [] as string[], stderr: [] as string[] };
    const child = this.spawn(argv.join(' '), argv, {
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      onLine: (line, from) => lines[from].push(line),
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? 10_000);
    const status = await child.exited;
    clearTimeout(timer);
    return { ...status, stdout: lines.stdout.join('\n'), stderr: lines.stderr.join('\n') };
  }

  /** Pulls the network cable out, or plugs it in again. */
  async setLink(state: 'up' | 'down'): Promise<void> {
    await this.run(['ip', 'link', 'set', 'eth0', state]);
  }

  /** A second address on the LAN, of a network of its own: another path to this host. */
  async addAddress(address: string): Promise<void> {
    await this.run(['ip', 'address', 'add', `${address}/24`, 'dev', 'eth0']);
  }

  /** Takes the address on the LAN away and gives this one (of the same /24). */
  async replaceAddress(address: string): Promise<void> {
    await this.run(['ip', 'address', 'flush', 'dev', 'eth0', 'scope', 'global']);
    await this.run(['ip', 'address', 'add', `${address}/24`, 'dev', 'eth0']);
  }
}
