/** A host of the demo that is a member of the fleet: its claim, its agent, and what it says of itself. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { askAgent } from '../../agent/cli/control-client.ts';
import { statusReport } from '../../agent/control/report-schema.ts';
import { EnvironmentFault } from '../../agent/errors.ts';
import type { LinkReport, StatusReport } from '../../agent/ports/agent-control.ts';
import type { LabHost } from '../lab/lab-host.ts';
import type { LabProcess } from '../lab/lab-process.ts';
import { repositoryPath } from '../lab/repository.ts';
import type { DemoFetch, DemoMember } from './demo-report.ts';
import { askTincan, tincanCommand } from './tincan-command.ts';

const POLL_MS = 20;

/** What overlay-fetch.mjs prints. */
interface FetchAnswer {
  status: number;
  body: string;
  attempts: number;
  answeredAtMs: number;
}

export interface FetchedPage extends DemoFetch {
  body: string;
  /** Wall clock, Unix milliseconds. */
  answeredAtMs: number;
}

export class MemberHost {
  readonly host: LabHost;
  readonly claimFile: string;
  readonly socket: string;
  readonly #stateDirectory: string;
  #agent: LabProcess | undefined;
  #startedAtMs = 0;
  #identity: DemoMember | undefined;

  constructor(host: LabHost, directory: string) {
    this.host = host;
    this.#stateDirectory = join(directory, host.name);
    this.claimFile = join(directory, `${host.name}.claim.json`);
    this.socket = join(this.#stateDirectory, 'control.sock');
  }

  get name(): string {
    return this.host.name;
  }

  /** Wall clock, Unix milliseconds, when the agent was started. */
  get startedAtMs(): number {
    return this.#startedAtMs;
  }

  /** Known once `untilProvisioned` has resolved. */
  get identity(): DemoMember {
    if (!this.#identity) throw new EnvironmentFault('not-provisioned', `${this.name} has no config yet.`);
    return this.#identity;
  }

  get agent(): LabProcess {
    if (!this.#agent) throw new EnvironmentFault('not-started', `${this.name} was not started yet.`);
    return this.#agent;
  }

  /** Starts the agent with nothing but its claim, or again with what it has kept; `environment` has NAME=value. */
  start(onLine: (line: string) => void, environment: readonly string[] = []): LabProcess {
    mkdirSync(this.#stateDirectory, { mode: 0o700, recursive: true });
    const agent = tincanCommand('agent', '--state', this.#stateDirectory, '--claim', this.claimFile);
    const command = environment.length === 0 ? agent : ['env', ...environment, ...agent];
    this.#startedAtMs = Date.now();
    this.#agent = this.host.spawn(`agent on ${this.name}`, command, { onLine });
    return this.#agent;
  }

  /** Waits until the agent has its signed config and its TAP device is up. */
  async untilProvisioned(timeoutMs: number): Promise<DemoMember> {
    const deadline = performance.now() + timeoutMs;
    let problem = 'its agent has not answered';
    while (performance.now() < deadline) {
      const status = await this.#status();
      if (status?.phase === 'provisioned' && status.datapath && status.node.ip4 && status.node.ip6) {
        const { id, ip4, ip6 } = status.node;
        this.#identity = { name: this.name, nodeId: id, ip4, ip6 };
        return this.#identity;
      }
      if (status) problem = status.problem ?? `its phase is ${status.phase}`;
      await sleep(POLL_MS);
    }
    throw new EnvironmentFault(
      'not-provisioned',
      `${this.name} has no config after ${timeoutMs} ms: ${problem}`,
    );
  }

  links(): Promise<LinkReport[]> {
    return askTincan<LinkReport[]>(this.host, 'links', '--socket', this.socket);
  }

  /** Asks again and again until 200. Throws EnvironmentFault when that does not happen in time. */
  async fetch(to: string, address: string, path: string, timeoutMs: number): Promise<FetchedPage> {
    const url = `http://${address.includes(':') ? `[${address}]` : address}${path}`;
    const script = repositoryPath('test/demo/overlay-fetch.mjs');
    const { code, stdout, stderr } = await this.host.run(
      [process.execPath, script, url, String(timeoutMs)],
      // It stops by itself; the margin is for its start.
      { timeoutMs: timeoutMs + 5000 },
    );
    if (code !== 0)
      throw new EnvironmentFault('no-answer', `${this.name}: ${stderr.trim() || 'it was killed'}`);
    const { status, body, answeredAtMs } = JSON.parse(stdout) as FetchAnswer;
    return { from: this.name, to, url, status, body, answeredAtMs };
  }

  /** Null while the agent does not answer: it is starting. Asked directly: a process for each poll would disturb. */
  async #status(): Promise<StatusReport | null> {
    try {
      return await askAgent(this.socket, { method: 'GET', path: '/v1/status', answer: statusReport });
    } catch (error) {
      if (error instanceof EnvironmentFault) return null;
      throw error;
    }
  }
}
