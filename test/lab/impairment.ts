/**
 * Faults of the network itself, made by the kernel's packet filter on the lab's LAN: the hosts see nothing but their
 * effect. What is asked for replaces what was there.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { EnvironmentFault } from '../../agent/errors.ts';
import type { LabHost } from './lab-host.ts';
import { labEnvironment } from './prerequisites.ts';
import { repositoryPath } from './repository.ts';

const START_MS = 5_000;

/** One sentence why there can be no faults on this machine, or null. */
export function impairmentProblem(): string | null {
  const { error, status } = spawnSync('nft', ['--version'], { env: labEnvironment() });
  return error || status !== 0
    ? 'The program nft is missing: install it with apt-get install nftables.'
    : null;
}

export class Impairment {
  readonly #lan: LabHost;
  /** By host and delay: cards whose frames are held. */
  readonly #holders = new Map<string, string>();

  /** `lan` is where the bridge stands (Lab.lan). */
  constructor(lan: LabHost) {
    this.#lan = lan;
  }

  /** Nothing of the named host's gets through in either direction, and the host is not told: its card stays up. */
  cut(host: string): Promise<void> {
    return this.#forward(`iifname "${host}" drop`, `oifname "${host}" drop`);
  }

  /** Nothing of the named host's gets out; what is sent to it arrives. */
  mute(host: string): Promise<void> {
    return this.#forward(`iifname "${host}" drop`);
  }

  /** Loses this share of what goes to these addresses. */
  loseTo(addresses: readonly string[], percent: number): Promise<void> {
    return this.#forward(`ip daddr { ${addresses.join(', ')} } ${share(percent)} drop`);
  }

  /** Loses this share of all frames, in both directions. */
  lose(percent: number): Promise<void> {
    return this.#forward(`${share(percent)} drop`);
  }

  /** Drops every UDP packet to or from these ports: a firewall that does not like the fast path. */
  blockUdp(ports: readonly number[]): Promise<void> {
    const set = `{ ${ports.join(', ')} }`;
    return this.#forward(`udp dport ${set} drop`, `udp sport ${set} drop`);
  }

  /** Sends this share of the frames between two hosts twice. */
  duplicate(percent: number, between: readonly [string, string]): Promise<void> {
    return this.#ingress(between, (to) => `${share(percent)} dup to "${to}"`);
  }

  /**
   * Takes frames between two hosts out of the line and puts them back `delayMs` later: a share of all, which makes
   * reordering, or of those to some addresses, which makes a longer way. `directory` is for the program that does it
   * (hold-frames.c), which lives as long as the lab.
   */
  async hold(
    frames: { percent: number; to?: readonly string[] },
    delayMs: number,
    between: readonly [string, string],
    directory: string,
  ): Promise<void> {
    const holders = new Map<string, string>();
    for (const to of between) holders.set(to, await this.#holder(to, delayMs, directory));
    const which = frames.to ? `ip daddr { ${frames.to.join(', ')} } ` : '';
    await this.#ingress(between, (to) => `${which}${share(frames.percent)} fwd to "${holders.get(to)}"`);
  }

  /** The network is as it was. */
  clear(): Promise<void> {
    return this.#nft('flush ruleset');
  }

  /** The card whose frames come to that host so much later. */
  async #holder(to: string, delayMs: number, directory: string): Promise<string> {
    const known = this.#holders.get(`${to} ${delayMs}`);
    if (known) return known;
    const program = join(directory, 'hold-frames');
    const source = repositoryPath('test/lab/hold-frames.c');
    if (this.#holders.size === 0) await this.#run([process.env['CC'] || 'cc', '-O2', '-o', program, source]);
    const [into, outOf] = [`hold${this.#holders.size}-in`, `hold${this.#holders.size}-out`];
    this.#holders.set(`${to} ${delayMs}`, into);
    await this.#run(['ip', 'link', 'add', into, 'up', 'type', 'veth', 'peer', 'name', outOf]);
    await this.#run(['ip', 'link', 'set', outOf, 'up']);
    const holding = this.#lan.spawn('hold-frames', [program, outOf, to, String(delayMs)]);
    await holding.waitForLine('a word', START_MS, () => true);
    return into;
  }

  #forward(...rules: string[]): Promise<void> {
    return this.#nft(
      'flush ruleset',
      'add table bridge fault',
      'add chain bridge fault forward { type filter hook forward priority 0; }',
      ...rules.map((rule) => `add rule bridge fault forward ${rule}`),
    );
  }

  #ingress(between: readonly [string, string], rule: (to: string) => string): Promise<void> {
    const [one, other] = between;
    const port = (from: string, to: string): string[] => [
      `add chain netdev fault ${from} { type filter hook ingress device "${from}" priority 0; }`,
      // Only what goes to one host: a broadcast that comes back is a loop.
      `add rule netdev fault ${from} meta pkttype other ${rule(to)}`,
    ];
    return this.#nft('flush ruleset', 'add table netdev fault', ...port(one, other), ...port(other, one));
  }

  #nft(...commands: string[]): Promise<void> {
    return this.#run(['nft', commands.join('; ')]);
  }

  async #run(command: string[]): Promise<void> {
    const { code, stderr } = await this.#lan.run(command);
    if (code !== 0) throw new EnvironmentFault('no-fault', `${command.join(' ')}: ${stderr}`);
  }
}

/** Matches this share of what passes. */
function share(percent: number): string {
  return percent >= 100 ? '' : `numgen random mod 1000 < ${Math.round(percent * 10)}`;
}
