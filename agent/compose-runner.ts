/**
 * Keeps one node running as the config says: brings a new config into force, tries again with capped backoff when that
 * fails, and when the datapath ends by itself. Never two nodes at once, because there is one TAP.
 */
import type { ConfigHandler } from '../provisioning/device/config-trial.ts';
import type { DeviceConfig } from '../provisioning/documents/device-config.ts';
import type { OverlayNode } from './compose-node.ts';
import { EnvironmentFault, sentenceOf } from './errors.ts';
import type { Clock, Timer } from './ports/clock.ts';
import type { Log } from './ports/log.ts';
import type { Membership } from './ports/member-directory.ts';
import type { MessageBus } from './ports/message-bus.ts';

const RETRY_MS = { first: 1_000, cap: 60_000 };

type Health = Awaited<ReturnType<ConfigHandler>>;

export interface NodeRunnerParts {
  open(config: DeviceConfig, own: Membership, onStopped: (problem: string) => void): Promise<OverlayNode>;
  bus: MessageBus;
  clock: Clock;
  log: Log;
}

export class NodeRunner {
  readonly #parts: NodeRunnerParts;
  #node: OverlayNode | null = null;
  /** What the running node was built from: a config that changes none of it leaves the node and its links alone. */
  #builtFrom = '';
  #wanted: { config: DeviceConfig; own: Membership } | null = null;
  #retry: Timer | null = null;
  #retryMs = RETRY_MS.first;
  #turn: Promise<void> = Promise.resolve();
  #stopped = false;
  /** Why the node does not run, in one sentence. */
  problem: string | null = null;

  constructor(parts: NodeRunnerParts) {
    this.#parts = parts;
  }

  get node(): OverlayNode | null {
    return this.#node;
  }

  /** A trial is healthy once the node runs and the broker, which brings the next config, is connected. */
  readonly apply: ConfigHandler = async (config, own, { reason, signal }) => {
    this.#wanted = { config, own };
    this.#retryMs = RETRY_MS.first;
    const health = await this.#bring();
    if (!health.healthy) {
      if (reason !== 'trial') this.#retryLater();
      return health;
    }
    if (reason === 'trial') await connectedTo(this.#parts.bus, signal);
    return health;
  };

  /** Closes the links to members that are none any more. */
  dropLinks(isRevoked: (nodeId: string) => boolean): void {
    const links = this.#node?.links;
    for (const { peer } of links?.reports() ?? []) if (isRevoked(peer)) links?.close(peer, 'revoked');
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wanted = null;
    this.#retry?.cancel();
    await this.#inTurn(() => this.#close());
  }

  async #bring(): Promise<Health> {
    let health: Health = { healthy: true };
    await this.#inTurn(async () => {
      const wanted = this.#wanted;
      if (!wanted) return;
      try {
        await this.#rebuild(wanted.config, wanted.own);
        this.problem = null;
      } catch (error) {
        this.problem = sentenceOf(error);
        const reason = error instanceof EnvironmentFault ? error.code : 'apply-failed';
        this.#parts.log.error('node.not-up', { reason, problem: this.problem });
        health = { healthy: false, reason, problem: this.problem };
      }
    });
    return health;
  }

  async #rebuild(config: DeviceConfig, own: Membership): Promise<void> {
    const { device, network, links, sensors, homeAssistant } = config;
    const certificate = Buffer.from(own.certificate).toString('base64');
    const blueprint = JSON.stringify({ device, network, links, sensors, homeAssistant, certificate });
    if (this.#node && blueprint === this.#builtFrom) return this.#node.setPolicy(config.policy);
    await this.#close(config);
    this.#node = await this.#parts.open(config, own, (problem) => this.#ended(problem));
    this.#builtFrom = blueprint;
    this.#retry?.cancel();
    this.#retryMs = RETRY_MS.first;
    this.#parts.log.info('node.up', { name: device.name, ip4: own.ip4, ip6: own.ip6 });
  }

  #ended(problem: string): void {
    this.problem = `the datapath stopped: ${problem}`;
    this.#parts.log.error('node.down', { problem });
    void this.#inTurn(() => this.#close());
    this.#retryLater();
  }

  #retryLater(): void {
    if (this.#stopped) return;
    this.#retry?.cancel();
    this.#retry = this.#parts.clock.after(this.#retryMs, () => {
      void this.#bring().then((health) => {
        if (!health.healthy) this.#retryLater();
      });
    });
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MS.cap);
  }

  /** `next`: what the node shall be after that; null where it just stops. */
  async #close(next: DeviceConfig | null = null): Promise<void> {
    const node = this.#node;
    this.#node = null;
    this.#builtFrom = '';
    await node?.close(next);
  }

  #inTurn(task: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(task);
    return this.#turn;
  }
}

/** Resolves when the bus is connected, or `signal` ends the wait. */
function connectedTo(bus: MessageBus, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (bus.state().connected) return resolve();
    bus.onState((state) => state.connected && resolve());
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
