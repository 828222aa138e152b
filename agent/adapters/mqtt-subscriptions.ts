/** The subscriptions of a bus: subscribed again on every connection, and matched to the messages that arrive. */
import { Refusal } from '../errors.ts';
import type { MessageHandler, Subscription } from '../ports/message-bus.ts';
import type { MqttConnection } from './mqtt-connection.ts';

interface Entry {
  filter: string;
  receive: MessageHandler;
  resolve(): void;
  reject(error: Error): void;
}

export class SubscriptionTable {
  readonly #entries = new Set<Entry>();
  #connection: MqttConnection | null = null;

  /** `connection` is null while the bus is offline. */
  add(filter: string, receive: MessageHandler, connection: MqttConnection | null): Subscription {
    let entry: Entry | undefined;
    const ready = new Promise<void>((resolve, reject) => {
      entry = { filter, receive, resolve, reject };
      this.#entries.add(entry);
    });
    // Whoever does not wait for `ready` must not be killed by its rejection.
    ready.catch(() => undefined);
    if (connection) this.#subscribe(filter, connection);
    return { ready, cancel: () => entry && this.#cancel(entry) };
  }

  attach(connection: MqttConnection): void {
    this.#connection = connection;
    for (const filter of new Set([...this.#entries].map((entry) => entry.filter))) {
      this.#subscribe(filter, connection);
    }
  }

  detach(): void {
    this.#connection = null;
  }

  dispatch(topic: string, payload: Uint8Array, retained: boolean): void {
    for (const entry of [...this.#entries]) {
      if (topicMatches(entry.filter, topic)) entry.receive(topic, new Uint8Array(payload), retained);
    }
  }

  close(error: Error): void {
    for (const entry of this.#entries) entry.reject(error);
    this.#entries.clear();
  }

  #subscribe(filter: string, connection: MqttConnection): void {
    connection.subscribe(filter, (result) => {
      if (result === 'lost') return;
      for (const entry of this.#entries) {
        if (entry.filter !== filter) continue;
        if (result === 'granted') entry.resolve();
        else {
          const problem = `the broker does not let this device subscribe to ${filter}: check its access list`;
          entry.reject(new Refusal('not-authorised', problem));
        }
      }
    });
  }

  #cancel(entry: Entry): void {
    if (!this.#entries.delete(entry)) return;
    entry.reject(new Refusal('cancelled', `the subscription to ${entry.filter} was cancelled`));
    const stillWanted = [...this.#entries].some((other) => other.filter === entry.filter);
    if (!stillWanted) this.#connection?.unsubscribe(entry.filter);
  }
}

/** MQTT 3.1.1 section 4.7: `+` is one level, a last `#` is this level and all below. */
function topicMatches(filter: string, topic: string): boolean {
  const wanted = filter.split('/');
  const levels = topic.split('/');
  for (const [index, part] of wanted.entries()) {
    if (part === '#') return true;
    if (index >= levels.length || (part !== '+' && part !== levels[index])) return false;
  }
  return wanted.length === levels.length;
}
