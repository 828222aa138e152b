/**
 * MessageBus over MQTT 3.1.1. It never relies on a session kept by the broker: every connection is clean and subscribes
 * to everything again. Reconnection backs off with jitter, so that a fleet does not return in lockstep.
 */
import { EnvironmentFault, UsageError } from '../errors.ts';
import type { Clock, Timer } from '../ports/clock.ts';
import type {
  BusOptions,
  BusState,
  MessageBus,
  MessageHandler,
  OpenMessageBus,
  PublishOptions,
  Subscription,
} from '../ports/message-bus.ts';
import { MqttConnection } from './mqtt-connection.ts';
import { faultOf, kickedFault } from './mqtt-fault.ts';
import { PublishQueue } from './mqtt-publish-queue.ts';
import { SubscriptionTable } from './mqtt-subscriptions.ts';
import { systemClock } from './system-clock.ts';

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 30_000;
/** A connection that lived this long was a good one: the next failure starts the backoff anew. */
const STABLE_MS = 30_000;
/** Two connections in a row that the broker ended this soon without an error: somebody else uses our client id. */
const KICK_WITHIN_MS = 10_000;
const CLOSE_LIMIT_MS = 2_000;

const DEFAULT_PORTS: Readonly<Record<string, string>> = {
  'mqtt:': '1883',
  'mqtts:': '8883',
  'ws:': '80',
  'wss:': '443',
};

class MqttMessageBus implements MessageBus {
  readonly #options: BusOptions;
  readonly #where: string;
  readonly #clock: Clock;
  readonly #listeners: Array<(state: BusState) => void> = [];
  readonly #queue = new PublishQueue();
  readonly #subscriptions = new SubscriptionTable();
  #state: BusState = { connected: false, problem: 'not connected yet', reason: null };
  #connection: MqttConnection | null = null;
  #connectedAt: number | null = null;
  #retry: Timer | null = null;
  #failures = 0;
  #kicks = 0;
  #closed = false;

  constructor(options: BusOptions, where: string, clock: Clock) {
    this.#options = options;
    this.#where = where;
    this.#clock = clock;
  }

  connect(): void {
    if (this.#closed || this.#connection || this.#retry) return;
    this.#open();
  }

  publish(topic: string, payload: Uint8Array, options: PublishOptions = {}): Promise<void> {
    if (this.#closed) return Promise.reject(closedFault());
    return this.#queue.add(topic, payload, options);
  }

  subscribe(topicFilter: string, receive: MessageHandler): Subscription {
    return this.#subscriptions.add(
      topicFilter,
      receive,
      this.#connectedAt === null ? null : this.#connection,
    );
  }

  state(): BusState {
    return this.#state;
  }

  onState(listener: (state: BusState) => void): void {
    this.#listeners.push(listener);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#retry?.cancel();
    const connection = this.#connection;
    const wasConnected = this.#connectedAt !== null;
    this.#queue.detach();
    this.#queue.close(closedFault());
    this.#subscriptions.close(closedFault());
    if (connection && wasConnected) await this.#leave(connection);
    else connection?.destroy();
    this.#connection = null;
    this.#connectedAt = null;
    this.#say({ connected: false, problem: 'closed', reason: null });
  }

  #open(): void {
    this.#retry = null;
    let connection: MqttConnection | null = null;
    const current = () => connection !== null && this.#connection === connection;
    try {
      connection = new MqttConnection(this.#options, {
        connected: () => current() && this.#connected(),
        message: (topic, payload, retained) =>
          current() && this.#subscriptions.dispatch(topic, payload, retained),
        ended: (error) => this.#ended(error),
      });
      this.#connection = connection;
    } catch (error) {
      this.#ended(error);
    }
  }

  #connected(): void {
    const connection = this.#connection;
    if (!connection) return;
    this.#connectedAt = this.#clock.monotonicMs();
    this.#subscriptions.attach(connection);
    this.#queue.attach(connection);
    this.#say({ connected: true, problem: null, reason: null });
  }

  #ended(error: unknown): void {
    if (this.#closed) return;
    const livedMs = this.#connectedAt === null ? null : this.#clock.monotonicMs() - this.#connectedAt;
    this.#connection = null;
    this.#connectedAt = null;
    this.#queue.detach();
    this.#subscriptions.detach();
    if (livedMs !== null && livedMs >= STABLE_MS) this.#failures = 0;
    const thrownOut = livedMs !== null && livedMs < KICK_WITHIN_MS && error === null;
    // Failures to connect in between (a broker that restarts) are no sign of a twin.
    this.#kicks = thrownOut ? this.#kicks + 1 : 0;
    this.#failures += 1;
    const fault = this.#kicks >= 2 ? kickedFault(this.#where, this.#options.clientId) : this.#faultOf(error);
    this.#retry = this.#clock.after(retryDelayMs(this.#failures), () => this.#open());
    this.#say({ connected: false, ...fault });
  }

  #faultOf(error: unknown): { problem: string; reason: string } {
    if (error !== null) return faultOf(error, this.#where);
    return { reason: 'unreachable', problem: `the broker at ${this.#where} closed the connection` };
  }

  async #leave(connection: MqttConnection): Promise<void> {
    const will = this.#options.will;
    await new Promise<void>((resolve) => {
      const limit = this.#clock.after(CLOSE_LIMIT_MS, () => {
        connection.destroy();
        resolve();
      });
      const disconnect = () =>
        connection.disconnect(() => {
          limit.cancel();
          resolve();
        });
      if (will) connection.publish(will.topic, will.payload, 1, true, disconnect);
      else disconnect();
    });
  }

  #say(state: BusState): void {
    this.#state = state;
    for (const listener of this.#listeners) listener(state);
  }
}

/** The bus on a clock of the caller's. Throws UsageError where the URL is not one of a broker. */
export function mqttBusOn(clock: Clock): OpenMessageBus {
  return (options) => new MqttMessageBus(options, hostAndPort(options.url), clock);
}

/** The bus on the system's clock. Throws UsageError where the URL is not one of a broker. */
export const openMqttBus: OpenMessageBus = mqttBusOn(systemClock);

/** Exponential, with full jitter in its upper half; `failures` counts from 1. */
function retryDelayMs(failures: number): number {
  const ceiling = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(failures - 1, 16));
  return ceiling / 2 + (Math.random() * ceiling) / 2;
}

function hostAndPort(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  const port = url ? DEFAULT_PORTS[url.protocol] : undefined;
  if (!url || port === undefined || url.hostname === '') {
    throw new UsageError(
      `the broker's URL must be mqtt://, mqtts://, ws:// or wss:// with a host name, not ${url ? `${url.protocol}//${url.host}` : 'this text'}`,
    );
  }
  return `${url.hostname}:${url.port || port}`;
}

function closedFault(): EnvironmentFault {
  return new EnvironmentFault('bus-closed', 'the connection to the broker was closed by this program');
}
