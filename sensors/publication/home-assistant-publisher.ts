/**
 * Publishes a node to an MQTT broker of the owner's choice, in the form that Home Assistant finds by itself:
 *
 *   connected, or Home Assistant has started    discovery (retained), `online` (retained, and its last will), all states
 *   new readings, actuators that were set       their states, at most once a second each
 *   sensors come and go                         discovery again; what is gone is taken back
 *   a command                                   to the actuators, which check policy, rate and value as for everybody
 *
 * The broker is outside of the overlay and tells nothing of who asked: every command is of one principal, "Home
 * Assistant", whose only tag is `homeassistant`. Where the policy does not allow that tag, nothing can be set.
 */
import type { Clock, Timer } from '../../agent/ports/clock.ts';
import type { Log } from '../../agent/ports/log.ts';
import type { BusOptions, MessageBus, OpenMessageBus, Subscription } from '../../agent/ports/message-bus.ts';
import { type AccessPolicy, decideAccess, type Reader } from '../access.ts';
import type { ActuatorPanel, ActuatorState } from '../actuator.ts';
import type { Reading } from '../reading.ts';
import type { ServiceSource } from '../services/service-source.ts';
import {
  type DeviceDiscovery,
  type DiscoveredNode,
  deviceDiscovery,
  type HomeAssistantTopics,
  homeAssistantTopics,
} from './home-assistant-discovery.ts';

/** Tag of the principal that Home Assistant's commands have. */
export const HOME_ASSISTANT_TAG = 'homeassistant';

export interface HomeAssistantOptions extends ServiceSource {
  node: DiscoveredNode;
  openBus: OpenMessageBus;
  broker: Pick<BusOptions, 'url' | 'username' | 'password' | 'ca'>;
  discoveryPrefix: string;
  actuators: ActuatorPanel;
  /** As it is now. */
  policy: () => AccessPolicy;
  clock: Clock;
  log: Log;
}

const ONLINE = 'online';
const OFFLINE = 'offline';
const TELL_INTERVAL_MS = 1_000;
/** How soon new and vanished sensors, and silent ones, are noticed. */
const CHECK_INTERVAL_MS = 5_000;
const WITHDRAW_LIMIT_MS = 5_000;
const MOST_COMMAND_BYTES = 64;

export class HomeAssistantPublisher {
  readonly #options: HomeAssistantOptions;
  readonly #topics: HomeAssistantTopics;
  readonly #bus: MessageBus;
  readonly #principal: Reader;
  readonly #news = new Set<string>();
  readonly #toldQuality = new Map<string, string>();
  readonly #commands = new Map<string, Subscription>();
  readonly #stops: Array<() => void> = [];
  #told: DeviceDiscovery | null = null;
  #telling: Timer | null = null;
  #isThere = true;

  constructor(options: HomeAssistantOptions) {
    const { node, discoveryPrefix, openBus, broker } = options;
    this.#options = options;
    this.#topics = homeAssistantTopics(node.id, discoveryPrefix);
    const will = { topic: this.#topics.status, payload: Buffer.from(OFFLINE) };
    this.#bus = openBus({ ...broker, clientId: `tincan-node-${node.id}`, will });
    this.#principal = {
      nodeId: HOME_ASSISTANT_TAG,
      name: 'Home Assistant',
      tags: [HOME_ASSISTANT_TAG],
      isPresent: () => this.#isThere && this.#bus.state().connected,
    };
  }

  /** Why nothing is published now, in one sentence; null where all is well. */
  get problem(): string | null {
    const { problem } = this.#bus.state();
    return problem === null ? null : `Home Assistant's broker: ${problem}`;
  }

  start(): void {
    const { clock, history, actuators, discoveryPrefix, log } = this.#options;
    this.#bus.onState(({ connected, problem }) => {
      if (connected) this.#tellAll();
      else if (problem !== null) log.warn('homeassistant.not-connected', { problem });
    });
    const birth = this.#bus.subscribe(`${discoveryPrefix}/status`, (_, payload) =>
      this.#heardOf(text(payload)),
    );
    const checks = clock.every(CHECK_INTERVAL_MS, () => this.#check());
    this.#stops.push(
      history.onReading((id) => this.#add(id)),
      actuators.onChange((state) => this.#tellActuator(state)),
      () => birth.cancel(),
      () => checks.cancel(),
      () => this.#telling?.cancel(),
    );
    this.#bus.connect();
  }

  /** `withdraw`: the node is taken out of Home Assistant, and nothing of it stays on the broker; else it is `offline`. */
  async stop(withdraw: boolean): Promise<void> {
    for (const stop of this.#stops.splice(0)) stop();
    const wasTold = this.#told !== null;
    await this.#bus.close();
    if (withdraw && wasTold) await this.#withdraw();
  }

  /** On a connection without a last will, which would leave the status behind. */
  async #withdraw(): Promise<void> {
    const { openBus, broker, node, clock } = this.#options;
    const bus = openBus({ ...broker, clientId: `tincan-node-${node.id}` });
    const limit = new AbortController();
    const timer = clock.after(WITHDRAW_LIMIT_MS, () => limit.abort());
    const { discovery, status } = this.#topics;
    const gone = [discovery, status].map((topic) =>
      bus.publish(topic, new Uint8Array(), { retain: true, qos: 1, signal: limit.signal }),
    );
    bus.connect();
    await Promise.allSettled(gone);
    timer.cancel();
    await bus.close();
  }

  #heardOf(status: string): void {
    this.#isThere = status !== OFFLINE;
    if (status === ONLINE) this.#tellAll();
  }

  #tellAll(): void {
    const { source, actuators } = this.#options;
    this.#tellDiscovery();
    this.#publish(this.#topics.status, ONLINE, true);
    for (const reading of source.readings()) this.#tellSensor(reading);
    for (const state of actuators.states()) this.#tellActuator(state);
  }

  #tellDiscovery(): void {
    const { node, source } = this.#options;
    const discovery = deviceDiscovery(node, source.readings(), this.#settable(), this.#topics);
    const gone = Object.entries(this.#told?.components ?? {}).filter(
      ([key]) => !(key in discovery.components),
    );
    if (gone.length > 0) {
      // An entity is removed by its platform alone, and only then left out.
      const removed = Object.fromEntries(gone.map(([key, { platform }]) => [key, { platform }]));
      const components = { ...discovery.components, ...removed };
      this.#publish(this.#topics.discovery, JSON.stringify({ ...discovery, components }), true);
    }
    this.#told = discovery;
    this.#publish(this.#topics.discovery, JSON.stringify(discovery), true);
    this.#hearCommands();
  }

  #settable(): ActuatorState[] {
    const { policy, actuators } = this.#options;
    return decideAccess(policy(), this.#principal, 'command').allowed ? actuators.states() : [];
  }

  #hearCommands(): void {
    const wanted = new Set(this.#settable().map(({ id }) => id));
    for (const [id, subscription] of this.#commands) {
      if (wanted.has(id)) continue;
      subscription.cancel();
      this.#commands.delete(id);
    }
    for (const id of wanted) {
      if (this.#commands.has(id)) continue;
      const receive = (_: string, payload: Uint8Array, retained: boolean) =>
        void this.#command(id, payload, retained);
      this.#commands.set(id, this.#bus.subscribe(this.#topics.command(id), receive));
    }
  }

  /** A retained command was given before, perhaps long ago. */
  async #command(id: string, payload: Uint8Array, retained: boolean): Promise<void> {
    if (retained || payload.length > MOST_COMMAND_BYTES) return;
    const { actuators } = this.#options;
    const outcome = await actuators.command(id, { value: parsed(payload) }, this.#principal, 'mqtt');
    // What was refused stays as it was, and Home Assistant has to show that.
    const state = outcome.result === 'done' ? null : actuators.state(id);
    if (state) this.#tellActuator(state);
  }

  #check(): void {
    if (!this.#bus.state().connected) return;
    const { node, source } = this.#options;
    const readings = source.readings();
    const now = deviceDiscovery(node, readings, this.#settable(), this.#topics);
    if (JSON.stringify(now) !== JSON.stringify(this.#told)) this.#tellDiscovery();
    for (const reading of readings) {
      if (this.#toldQuality.get(reading.id) !== reading.quality) this.#tellSensor(reading);
    }
  }

  #add(id: string): void {
    if (!this.#bus.state().connected) return;
    this.#news.add(id);
    this.#telling ??= this.#options.clock.after(TELL_INTERVAL_MS, () => {
      this.#telling = null;
      const ids = [...this.#news];
      this.#news.clear();
      for (const one of ids) {
        const reading = this.#options.source.reading(one);
        if (reading) this.#tellSensor(reading);
      }
    });
  }

  #tellSensor({ id, value, unit, time, quality, reason }: Reading): void {
    this.#toldQuality.set(id, quality);
    this.#publish(this.#topics.sensor(id), JSON.stringify({ value, unit, time, quality, reason }), false);
  }

  #tellActuator({ id, value, cause, setBy, problem }: ActuatorState): void {
    const state = { value, cause, setBy: setBy?.name ?? null, problem };
    this.#publish(this.#topics.actuator(id), JSON.stringify(state), false);
  }

  /** What cannot be sent now is told anew when it can: nothing waits. */
  #publish(topic: string, payload: string, retain: boolean): void {
    if (!this.#bus.state().connected) return;
    this.#bus.publish(topic, Buffer.from(payload), { retain, qos: retain ? 1 : 0 }).catch(() => undefined);
  }
}

function text(payload: Uint8Array): string {
  return Buffer.from(payload).toString('utf8');
}

/** Undefined, which is no value, for what is not JSON. */
function parsed(payload: Uint8Array): unknown {
  try {
    return JSON.parse(text(payload));
  } catch {
    return undefined;
  }
}
