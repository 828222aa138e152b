/** AgentControl over the parts of a running agent: everything `tincan status`, `links` and `ping` show and do. */
import type { DeviceProvisioner } from '../provisioning/device/device-provisioner.ts';
import type { EventRecorder } from './compose-events.ts';
import type { NodeRunner } from './compose-runner.ts';
import { Refusal } from './errors.ts';
import type { LinkManager } from './links/link-manager.ts';
import type {
  AgentControl,
  AgentEvent,
  LinkReport,
  MemberReport,
  PingReport,
  StatusReport,
} from './ports/agent-control.ts';
import type { Clock } from './ports/clock.ts';
import type { Membership } from './ports/member-directory.ts';
import { ID_PATTERN, macOfNode } from './wire/node-address.ts';

export interface RunningAgentParts {
  version: string;
  socketPath: string;
  provisioner: DeviceProvisioner;
  runner: NodeRunner;
  events: EventRecorder;
  clock: Clock;
}

const NO_SENSORS: StatusReport['sensors'] = { count: 0, stale: 0, actuators: 0, followers: 0, listening: [] };

export class RunningAgent implements AgentControl {
  readonly #parts: RunningAgentParts;
  readonly #startedMs: number;

  constructor(parts: RunningAgentParts) {
    this.#parts = parts;
    this.#startedMs = parts.clock.monotonicMs();
  }

  status(): StatusReport {
    const { version, socketPath, provisioner, runner, clock } = this.#parts;
    const state = provisioner.state();
    const { connected, problem } = provisioner.bus().state();
    const nodeId = state.nodeId ?? '';
    return {
      version,
      phase: state.phase,
      problem: runner.problem ?? state.problem ?? runner.node?.problem() ?? null,
      uptimeMs: Math.round(clock.monotonicMs() - this.#startedMs),
      node: {
        id: nodeId,
        name: state.device,
        fleet: state.fleetName,
        ip4: state.own?.ip4 ?? null,
        ip6: state.own?.ip6 ?? null,
        mac: nodeId ? macOfNode(nodeId) : '',
      },
      broker: { url: provisioner.brokerUrl(), connected, problem: provisioner.brokerUrl() ? problem : null },
      config: state.config,
      clock: state.clock,
      datapath: runner.node?.datapathReport() ?? null,
      links: this.links(),
      sensors: runner.node?.sensorReport() ?? NO_SENSORS,
      socket: socketPath,
    };
  }

  links(): LinkReport[] {
    return this.#parts.runner.node?.links.reports() ?? [];
  }

  async createLink(target: string): Promise<LinkReport> {
    const member = await this.#peer(target);
    this.#links().request(member);
    return this.#reportOf(member);
  }

  async trimLink(target: string): Promise<LinkReport> {
    const found = this.links().find(({ peer, name, ip4, ip6 }) => [peer, name, ip4, ip6].includes(target));
    if (!found)
      throw new Refusal('no-such-link', `there is no link to ${target}: see the links with "tincan links"`);
    this.#links().close(found.peer, 'closed');
    return { ...found, state: 'closing' };
  }

  async members(): Promise<MemberReport[]> {
    const { own } = this.#parts.provisioner.state();
    const others = await this.#parts.provisioner.directory().everyone();
    const byId = new Map([...others, ...(own ? [own] : [])].map((member) => [member.nodeId, member]));
    return [...byId.values()]
      .map((member) => this.#memberReport(member))
      .sort((one, other) => one.name.localeCompare(other.name, 'en', { numeric: true }));
  }

  async member(target: string): Promise<MemberReport> {
    return this.#memberReport(await this.#member(target));
  }

  async ping(target: string, timeoutMs: number): Promise<PingReport> {
    const member = await this.#peer(target);
    const links = this.#links();
    const answer = await links.ping(links.request(member), timeoutMs);
    return { peer: member.nodeId, name: member.name, path: answer.path, rttMs: answer.rttMs };
  }

  subscribe(listener: (event: AgentEvent) => void): () => void {
    return this.#parts.events.subscribe(listener);
  }

  #links(): LinkManager {
    const { runner, provisioner } = this.#parts;
    if (runner.node) return runner.node.links;
    const why = runner.problem ?? provisioner.state().problem ?? 'it is still starting';
    throw new Refusal('not-running', `this node is not on its overlay: ${why}`);
  }

  #memberReport({ nodeId, name, ip4, ip6, tags }: Membership): MemberReport {
    const { provisioner } = this.#parts;
    const port = provisioner.config()?.sensors.httpPort ?? 80;
    const self = nodeId === provisioner.state().nodeId;
    const sensors = `http://${ip4}${port === 80 ? '' : `:${port}`}/`;
    return { id: nodeId, name, ip4, ip6, tags: [...tags], self, sensors };
  }

  async #peer(target: string): Promise<Membership> {
    const member = await this.#member(target);
    if (member.nodeId === this.#parts.provisioner.state().nodeId) {
      throw new Refusal('own-address', `${target} is this node itself: a link needs another member`);
    }
    return member;
  }

  async #member(target: string): Promise<Membership> {
    const { provisioner } = this.#parts;
    const { own } = provisioner.state();
    if (own && [own.nodeId, own.name, own.ip4, own.ip6].includes(target)) return own;
    const directory = provisioner.directory();
    const member = await (target.includes(':')
      ? directory.byIp6(target)
      : /^\d+(\.\d+){3}$/.test(target)
        ? directory.byIp4(target)
        : ID_PATTERN.test(target)
          ? directory.byNodeId(target)
          : directory.byName(target));
    if (!member) {
      throw new Refusal(
        'not-a-member',
        `no member of the fleet answers to ${target}: give its name, node id or address`,
      );
    }
    return member;
  }

  #reportOf(member: Membership): LinkReport {
    const report = this.links().find(({ peer }) => peer === member.nodeId);
    if (report) return report;
    throw new Refusal('link-failed', `the link to ${member.name} could not be started: see "tincan status"`);
  }
}
