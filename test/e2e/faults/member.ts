/** One member of a fleet under test: its real agent as a process on its host, started and ended as often as a test likes. */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { askAgent } from '../../../agent/cli/control-client.ts';
import { linkReport, pingReport, statusReport } from '../../../agent/control/report-schema.ts';
import { EnvironmentFault, Refusal } from '../../../agent/errors.ts';
import type { StatusReport } from '../../../agent/ports/agent-control.ts';
import { tincanCommand } from '../../demo/tincan-command.ts';
import type { LabHost } from '../../lab/lab-host.ts';
import type { ExitStatus, LabProcess } from '../../lab/lab-process.ts';

const POLL_MS = 25;

/** What a process holds of the machine. */
export interface Footprint {
  rssKb: number;
  threads: number;
  descriptors: number;
}

export class Member {
  readonly host: LabHost;
  readonly stateDirectory: string;
  readonly claimFile: string;
  readonly socket: string;
  /** Every line that its agents have logged. */
  readonly log: string[] = [];
  #agent: LabProcess | undefined;

  constructor(host: LabHost, directory: string, stateDirectory = join(directory, `${host.name}.state`)) {
    this.host = host;
    this.stateDirectory = stateDirectory;
    this.claimFile = join(directory, `${host.name}.claim.json`);
    this.socket = join(directory, `${host.name}.sock`);
  }

  get name(): string {
    return this.host.name;
  }

  get agent(): LabProcess {
    if (!this.#agent) throw new EnvironmentFault('not-started', `${this.name} was not started yet.`);
    return this.#agent;
  }

  /** Starts the agent; `before` is a command that the agent's own is appended to. */
  start(extra: readonly string[] = [], before: readonly string[] = []): LabProcess {
    mkdirSync(this.stateDirectory, { recursive: true, mode: 0o700 });
    const agent = tincanCommand('agent', '--state', this.stateDirectory, '--socket', this.socket, ...extra);
    this.#agent = this.host.spawn(`agent on ${this.name}`, [...before, ...agent], {
      onLine: (line) => void this.log.push(line),
    });
    return this.#agent;
  }

  startWithClaim(claimFile = this.claimFile): LabProcess {
    return this.start(['--claim', claimFile]);
  }

  /** Ends the agent and waits until it is gone. */
  stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<ExitStatus> {
    this.agent.kill(signal);
    return this.agent.exited;
  }

  /** Null while the agent does not answer. */
  async status(): Promise<StatusReport | null> {
    try {
      return await askAgent(this.socket, { method: 'GET', path: '/v1/status', answer: statusReport });
    } catch (error) {
      if (error instanceof EnvironmentFault) return null;
      throw error;
    }
  }

  /** Waits for a status that `wanted` accepts. Throws with the last one that there was. */
  async until(
    what: string,
    timeoutMs: number,
    wanted: (status: StatusReport) => boolean,
  ): Promise<StatusReport> {
    const deadline = performance.now() + timeoutMs;
    let last: StatusReport | null = null;
    do {
      last = (await this.status()) ?? last;
      if (last && wanted(last)) return last;
      await sleep(POLL_MS);
    } while (performance.now() < deadline);
    const log = this.log.slice(-15).join('\n');
    throw new Error(`${this.name}: not ${what} after ${timeoutMs} ms: ${JSON.stringify(last)}\n${log}`);
  }

  /** Waits until its TAP is up and its sensors are served. */
  untilUp(timeoutMs = 60_000): Promise<StatusReport> {
    return this.until(
      'up',
      timeoutMs,
      (status) => status.datapath !== null && status.sensors.listening.length > 0,
    );
  }

  /** Waits until its link to that peer is up, over this path where one is named. */
  async untilLink(peer: Member, path: 'fast' | 'slow' | 'any', timeoutMs = 15_000): Promise<StatusReport> {
    return this.until(`linked to ${peer.name} (${path})`, timeoutMs, ({ links }) =>
      links.some(
        (link) => link.name === peer.name && link.state === 'up' && (path === 'any' || link.path === path),
      ),
    );
  }

  /** One round trip to that peer, over a link that is made for it where there is none. */
  async ping(peer: Member, timeoutMs = 20_000): Promise<number> {
    const body = { target: peer.name, timeoutMs };
    const ask = { method: 'POST', path: '/v1/ping', body, answer: pingReport, workMs: timeoutMs } as const;
    return (await askAgent(this.socket, ask)).rttMs;
  }

  /** Closes the link to that peer; false where there is none. */
  async trim(peer: Member): Promise<boolean> {
    try {
      await askAgent(this.socket, { method: 'DELETE', path: `/v1/links/${peer.name}`, answer: linkReport });
      return true;
    } catch (error) {
      if (error instanceof Refusal) return false;
      throw error;
    }
  }

  footprint(): Footprint {
    const status = readFileSync(`/proc/${this.agent.pid}/status`, 'utf8');
    const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
    return {
      rssKb: field('VmRSS'),
      threads: field('Threads'),
      descriptors: readdirSync(`/proc/${this.agent.pid}/fd`).length,
    };
  }

  /** How often an event of this name is in its log, from line `since` on. */
  events(name: string, since = 0): string[] {
    return this.log.slice(since).filter((line) => line.split(/\s+/)[2] === name);
  }
}
