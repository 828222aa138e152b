/**
 * One MessageBus for the life of the agent, over whichever broker the config names now. Subscriptions move along, so
 * that nobody else has to know that the fleet has moved to another broker, or that there is none yet.
 */
import { EnvironmentFault } from '../../agent/errors.ts';
import type {
  BusState,
  MessageBus,
  MessageHandler,
  PublishOptions,
  Subscription,
} from '../../agent/ports/message-bus.ts';

interface Subscribed {
  topicFilter: string;
  receive: MessageHandler;
  inner: Subscription | null;
  ready: PromiseWithResolvers;
}

interface PromiseWithResolvers {
  promise: Promise<void>;
  resolve: () => void;
}

const NO_BROKER: BusState = { connected: false, problem: 'no broker is known yet', reason: 'unreachable' };

export class SwitchableBus implements MessageBus {
  readonly #subscriptions = new Set<Subscribed>();
  readonly #listeners = new Set<(state: BusState) => void>();
  #current: MessageBus | null = null;
  #waiting: Array<() => void> = [];
  #closed = false;

  /** Closes the bus before, takes all subscriptions over to `next`, and connects it. */
  async switchTo(next: MessageBus): Promise<void> {
    const before = this.#current;
    this.#current = next;
    // First: on the same broker our old session would otherwise be thrown out by the new one, and announce our death.
    await before?.close();
    next.onState((state) => {
      if (this.#current === next) this.#tell(state);
    });
    for (const subscribed of this.#subscriptions) this.#attach(subscribed, next);
    next.connect();
    this.#tell(next.state());
    for (const go of this.#waiting.splice(0)) go();
  }

  connect(): void {
    this.#current?.connect();
  }

  async publish(topic: string, payload: Uint8Array, options: PublishOptions = {}): Promise<void> {
    const bus = this.#current ?? (await this.#nextBus(options.signal));
    try {
      await bus.publish(topic, payload, options);
    } catch (error) {
      // What waited for a broker that was given up goes to the one that took its place.
      const moved = this.#current !== bus && !this.#closed && !options.signal?.aborted;
      if (!moved) throw error;
      await this.publish(topic, payload, options);
    }
  }

  subscribe(topicFilter: string, receive: MessageHandler): Subscription {
    const subscribed: Subscribed = { topicFilter, receive, inner: null, ready: withResolvers() };
    this.#subscriptions.add(subscribed);
    if (this.#current) this.#attach(subscribed, this.#current);
    const cancel = (): void => {
      this.#subscriptions.delete(subscribed);
      subscribed.inner?.cancel();
      subscribed.inner = null;
    };
    return { ready: subscribed.ready.promise, cancel };
  }

  state(): BusState {
    return this.#current?.state() ?? NO_BROKER;
  }

  onState(listener: (state: BusState) => void): void {
    this.#listeners.add(listener);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const go of this.#waiting.splice(0)) go();
    await this.#current?.close();
  }

  #attach(subscribed: Subscribed, bus: MessageBus): void {
    subscribed.inner?.cancel();
    subscribed.inner = bus.subscribe(subscribed.topicFilter, subscribed.receive);
    subscribed.inner.ready.then(subscribed.ready.resolve, () => undefined);
  }

  #tell(state: BusState): void {
    for (const listener of this.#listeners) listener(state);
  }

  async #nextBus(signal: AbortSignal | undefined): Promise<MessageBus> {
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
      signal?.addEventListener('abort', () => resolve(), { once: true });
    });
    if (this.#current && !this.#closed && !signal?.aborted) return this.#current;
    throw new EnvironmentFault('no-broker', 'nothing was published: no broker is known', { retryable: true });
  }
}

function withResolvers(): PromiseWithResolvers {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
