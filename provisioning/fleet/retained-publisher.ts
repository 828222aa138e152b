/** Publishes retained documents, each only when it is another one than the broker has from us. */
import type { MessageBus } from '../../agent/ports/message-bus.ts';
import { hashOf } from '../documents/config-document.ts';

export class RetainedPublisher {
  readonly #bus: MessageBus;
  readonly #signal: AbortSignal;
  readonly #published = new Map<string, string>();

  /** `signal` ends what waits for the broker. */
  constructor(bus: MessageBus, signal: AbortSignal) {
    this.#bus = bus;
    this.#signal = signal;
  }

  async publish(topic: string, bytes: Uint8Array): Promise<void> {
    const hash = hashOf(bytes);
    if (this.#published.get(topic) === hash) return;
    await this.#bus.publish(topic, bytes, { retain: true, qos: 1, signal: this.#signal });
    this.#published.set(topic, hash);
  }

  /** Takes the broker to have nothing any more. */
  forget(): void {
    this.#published.clear();
  }
}
