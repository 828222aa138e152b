/**
 * Publishes that wait for a connection or for the broker's acknowledgement. What was in flight when a connection died
 * goes out again on the next one (QoS 1: at least once), in the order of asking.
 */
import { EnvironmentFault } from '../errors.ts';
import type { PublishOptions } from '../ports/message-bus.ts';
import type { MqttConnection } from './mqtt-connection.ts';

/** Bounds of what may wait: a device offline for hours must not fill its memory. */
const MAX_WAITING = 256;
const MAX_WAITING_BYTES = 4 * 1024 * 1024;

interface Waiting {
  topic: string;
  payload: Uint8Array;
  qos: 0 | 1;
  retain: boolean;
  settle(error: Error | null): void;
}

export class PublishQueue {
  /** In the order of asking; sent ones stay until acknowledged. */
  readonly #waiting = new Set<Waiting>();
  #bytes = 0;
  #connection: MqttConnection | null = null;

  /** Rejects with EnvironmentFault `bus-queue-full`, `bus-aborted`, or what `close` is given. */
  add(topic: string, payload: Uint8Array, options: PublishOptions): Promise<void> {
    const { signal } = options;
    if (signal?.aborted) return Promise.reject(abortedFault(topic));
    if (this.#waiting.size >= MAX_WAITING || this.#bytes + payload.length > MAX_WAITING_BYTES) {
      const problem = `${this.#waiting.size} messages wait for the broker already, so the one to ${topic} was not taken`;
      return Promise.reject(new EnvironmentFault('bus-queue-full', problem, { retryable: true }));
    }
    return new Promise((resolve, reject) => {
      const abort = () => entry.settle(abortedFault(topic));
      const entry: Waiting = {
        topic,
        payload,
        qos: options.qos ?? 1,
        retain: options.retain ?? false,
        settle: (error) => {
          if (!this.#waiting.delete(entry)) return;
          this.#bytes -= payload.length;
          signal?.removeEventListener('abort', abort);
          if (error) reject(error);
          else resolve();
        },
      };
      signal?.addEventListener('abort', abort, { once: true });
      this.#waiting.add(entry);
      this.#bytes += payload.length;
      if (this.#connection) this.#send(entry, this.#connection);
    });
  }

  attach(connection: MqttConnection): void {
    this.#connection = connection;
    for (const entry of [...this.#waiting]) this.#send(entry, connection);
  }

  detach(): void {
    this.#connection = null;
  }

  close(error: Error): void {
    for (const entry of [...this.#waiting]) entry.settle(error);
  }

  #send(entry: Waiting, connection: MqttConnection): void {
    connection.publish(entry.topic, entry.payload, entry.qos, entry.retain, (taken) => {
      if (taken) entry.settle(null);
    });
  }
}

function abortedFault(topic: string): EnvironmentFault {
  return new EnvironmentFault(
    'bus-aborted',
    `the message to ${topic} was given up before the broker took it`,
    {
      retryable: true,
    },
  );
}
