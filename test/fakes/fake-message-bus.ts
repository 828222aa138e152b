/** A broker in memory with retained messages and several clients, which a test can cut off, and lie through. */
import { EnvironmentFault } from '../../agent/errors.ts';
import type {
  BusOptions,
  BusState,
  MessageBus,
  MessageHandler,
  OpenMessageBus,
  PublishOptions,
  Subscription,
} from '../../agent/ports/message-bus.ts';

/** What a client published, after the interception. */
export interface PublishedMessage {
  from: string;
  topic: string;
  payload: Uint8Array;
  retain: boolean;
}

const OFFLINE: BusState = {
  connected: false,
  problem: 'the broker cannot be reached',
  reason: 'unreachable',
};
const ONLINE: BusState = { connected: true, problem: null, reason: null };

export class FakeBroker {
  readonly retained = new Map<string, Uint8Array>();
  readonly published: PublishedMessage[] = [];
  readonly clients = new Set<FakeMessageBus>();
  /** What the broker makes of a message; null swallows it. */
  intercept: ((message: PublishedMessage) => Uint8Array | null) | null = null;
  #reachable: boolean;

  constructor(reachable = true) {
    this.#reachable = reachable;
  }

  get reachable(): boolean {
    return this.#reachable;
  }

  readonly open: OpenMessageBus = (options) => new FakeMessageBus(this, options);

  /** Cuts everybody off (their wills are published when the broker is back), or lets them in again. */
  setReachable(reachable: boolean): void {
    if (this.#reachable === reachable) return;
    this.#reachable = reachable;
    for (const client of [...this.clients]) client.follow(reachable);
  }

  /** A restart of a broker that keeps nothing. */
  restart(): void {
    this.setReachable(false);
    this.retained.clear();
    this.setReachable(true);
  }

  /** Publishes as somebody who has the broker's password, or is the broker. */
  publish(topic: string, payload: Uint8Array, retain = false): void {
    this.route({ from: 'attacker', topic, payload, retain });
  }

  /** The newest message on a topic, retained or not. */
  last(topic: string): Uint8Array | null {
    return this.published.findLast((message) => message.topic === topic)?.payload ?? null;
  }

  route(sent: PublishedMessage): void {
    const payload = this.intercept && sent.from !== 'attacker' ? this.intercept(sent) : sent.payload;
    if (!payload) return;
    const message = { ...sent, payload: Uint8Array.from(payload) };
    this.published.push(message);
    if (message.retain && payload.length === 0) this.retained.delete(message.topic);
    else if (message.retain) this.retained.set(message.topic, message.payload);
    for (const client of this.clients) client.deliver(message.topic, message.payload, false);
  }
}

export class FakeMessageBus implements MessageBus {
  readonly options: BusOptions;
  readonly #broker: FakeBroker;
  readonly #subscriptions = new Map<object, { filter: string; receive: MessageHandler; ready: () => void }>();
  readonly #listeners: Array<(state: BusState) => void> = [];
  #waiting: Array<() => void> = [];
  #state: BusState = { connected: false, problem: 'not connected yet', reason: null };
  #closed = false;

  constructor(broker: FakeBroker, options: BusOptions) {
    this.#broker = broker;
    this.options = options;
  }

  connect(): void {
    if (this.#closed || this.#broker.clients.has(this)) return;
    this.#broker.clients.add(this);
    queueMicrotask(() => this.follow(this.#broker.reachable));
  }

  async publish(topic: string, payload: Uint8Array, options: PublishOptions = {}): Promise<void> {
    const { signal, retain = false } = options;
    if (!this.#state.connected && !this.#closed) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
        signal?.addEventListener('abort', () => resolve(), { once: true });
      });
    }
    if (signal?.aborted || this.#closed)
      throw new EnvironmentFault('not-published', 'nobody waits for it any more');
    this.#broker.route({ from: this.options.clientId, topic, payload, retain });
  }

  subscribe(topicFilter: string, receive: MessageHandler): Subscription {
    const key = {};
    let ready = (): void => undefined;
    const promise = new Promise<void>((resolve) => {
      ready = resolve;
    });
    const entry = { filter: topicFilter, receive, ready };
    this.#subscriptions.set(key, entry);
    if (this.#state.connected) queueMicrotask(() => this.#begin(key));
    return { ready: promise, cancel: () => void this.#subscriptions.delete(key) };
  }

  state(): BusState {
    return this.#state;
  }

  onState(listener: (state: BusState) => void): void {
    this.#listeners.push(listener);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    const { will } = this.options;
    if (will && this.#state.connected) await this.publish(will.topic, will.payload, { retain: true });
    this.#closed = true;
    this.#broker.clients.delete(this);
    this.#enter({ connected: false, problem: 'closed', reason: null });
    for (const go of this.#waiting.splice(0)) go();
  }

  /** The hub's: the broker has become reachable, or not. */
  follow(reachable: boolean): void {
    if (this.#closed || this.#state.connected === reachable) {
      if (!this.#closed && !reachable) this.#enter(OFFLINE);
      return;
    }
    this.#enter(reachable ? ONLINE : OFFLINE);
    if (!reachable) return;
    for (const key of [...this.#subscriptions.keys()]) this.#begin(key);
    for (const go of this.#waiting.splice(0)) go();
  }

  /** The hub's: a message for whoever listens. */
  deliver(topic: string, payload: Uint8Array, retained: boolean): void {
    if (!this.#state.connected) return;
    for (const [key, { filter, receive }] of this.#subscriptions) {
      if (!matches(filter, topic)) continue;
      queueMicrotask(() => {
        if (this.#subscriptions.has(key)) receive(topic, Uint8Array.from(payload), retained);
      });
    }
  }

  #begin(key: object): void {
    const entry = this.#subscriptions.get(key);
    if (!entry || !this.#state.connected) return;
    entry.ready();
    for (const [topic, payload] of this.#broker.retained) {
      if (matches(entry.filter, topic))
        queueMicrotask(() => {
          if (this.#subscriptions.has(key)) entry.receive(topic, Uint8Array.from(payload), true);
        });
    }
  }

  #enter(state: BusState): void {
    this.#state = state;
    for (const listener of [...this.#listeners]) listener(state);
  }
}

function matches(filter: string, topic: string): boolean {
  const wanted = filter.split('/');
  const parts = topic.split('/');
  if (wanted.at(-1) === '#') return wanted.slice(0, -1).every((part, i) => part === '+' || part === parts[i]);
  return wanted.length === parts.length && wanted.every((part, i) => part === '+' || part === parts[i]);
}
