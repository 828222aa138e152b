/** An agent that reports what a test tells it and remembers what it was asked. */
import { Refusal } from '../../agent/errors.ts';
import type {
  AgentControl,
  AgentEvent,
  LinkReport,
  MemberReport,
  PingReport,
  StatusReport,
} from '../../agent/ports/agent-control.ts';

export class FakeAgentControl implements AgentControl {
  report: StatusReport = statusReport();
  /** Answers of `ping`, one after another; when they are used up it has no answer. */
  rttsMs: number[] = [];
  fleet: MemberReport[] = [];
  /** Thrown by every call while it is set. */
  fault: unknown = null;
  readonly asked: string[] = [];
  readonly #listeners = new Set<(event: AgentEvent) => void>();

  status(): StatusReport {
    this.#ask('status');
    return this.report;
  }

  links(): LinkReport[] {
    this.#ask('links');
    return this.report.links;
  }

  async createLink(target: string): Promise<LinkReport> {
    this.#ask(`create ${target}`);
    return this.#linkTo(target, 'not-a-member', `${target} is no member of the fleet`);
  }

  async trimLink(target: string): Promise<LinkReport> {
    this.#ask(`trim ${target}`);
    return this.#linkTo(target, 'no-such-link', `there is no link to ${target}`);
  }

  async ping(target: string, timeoutMs: number): Promise<PingReport> {
    this.#ask(`ping ${target} ${timeoutMs}`);
    const { peer, name, path } = this.#linkTo(target, 'not-a-member', `${target} is no member of the fleet`);
    const rttMs = this.rttsMs.shift();
    if (rttMs === undefined) throw new Refusal('no-answer', `${target} did not answer`);
    return { peer, name, path: path ?? 'slow', rttMs };
  }

  async members(): Promise<MemberReport[]> {
    this.#ask('members');
    return this.fleet;
  }

  async member(target: string): Promise<MemberReport> {
    this.#ask(`member ${target}`);
    const found = this.fleet.find(({ id, name, ip4, ip6 }) => [id, name, ip4, ip6].includes(target));
    if (!found) throw new Refusal('not-a-member', `no member of the fleet answers to ${target}`);
    return found;
  }

  subscribe(listener: (event: AgentEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Makes something happen. */
  emit(name: string, fields: AgentEvent['fields'] = {}): void {
    for (const listener of this.#listeners) listener({ at: 1_790_000_000_000, name, fields });
  }

  listenerCount(): number {
    return this.#listeners.size;
  }

  #ask(what: string): void {
    this.asked.push(what);
    if (this.fault !== null) throw this.fault;
  }

  #linkTo(target: string, reason: string, sentence: string): LinkReport {
    const link = this.report.links.find(({ name, ip4, ip6, peer }) =>
      [name, ip4, ip6, peer].includes(target),
    );
    if (!link) throw new Refusal(reason, sentence);
    return link;
  }
}

/** A link that is up over the fast path. */
export function linkReport(changes: Partial<LinkReport> = {}): LinkReport {
  return {
    peer: 'b2b2b2b2b2b2b2b2',
    name: 'greenhouse',
    ip4: '10.64.0.7',
    ip6: 'fd12::7',
    state: 'up',
    path: 'fast',
    candidates: { local: 'host', remote: 'srflx' },
    endpoint: '192.0.2.7:40000',
    cipher: 'aes-256-gcm',
    generation: 3,
    rttMs: 1.234,
    setupMs: 180,
    repeatedAttempts: 0,
    ageMs: 65_000,
    sent: { frames: 10, bytes: 1500 },
    received: { frames: 20, bytes: 2_500_000 },
    problem: null,
    ...changes,
  };
}

/** A device that is provisioned and connected, with one link. */
export function statusReport(changes: Partial<StatusReport> = {}): StatusReport {
  return {
    version: '0.1.0',
    phase: 'provisioned',
    problem: null,
    uptimeMs: 3_720_000,
    node: {
      id: 'a1a1a1a1a1a1a1a1',
      name: 'kitchen',
      fleet: 'home',
      ip4: '10.64.0.2',
      ip6: 'fd12::2',
      mac: '02:00:00:00:00:02',
    },
    broker: { url: 'mqtt://user:secret@broker.example:1883', connected: true, problem: null },
    config: { serial: 7, state: 'committed', committedAt: 1_790_000_000_000, refused: null },
    clock: { synchronised: true, floor: 1_780_000_000_000, freshAgeMs: 240_000 },
    datapath: {
      tap: 'tincan0',
      mtuBytes: 1400,
      udpPort: 40_123,
      fromTap: { frames: 1, bytes: 98 },
      toTap: { frames: 1234, bytes: 1_500_000 },
      drops: { 'no-link': 3, oversize: 1200 },
    },
    links: [linkReport()],
    sensors: { count: 4, stale: 1, actuators: 2, followers: 1, listening: ['http://10.64.0.2/sensors'] },
    socket: '/run/tincan/control.sock',
    ...changes,
  };
}
