/** Signals on their way to the broker. One that cannot be sent is said again by negotiation. */
import { sentenceOf } from '../errors.ts';
import type { Log } from '../ports/log.ts';
import type { Membership } from '../ports/member-directory.ts';
import type { Signal, SignalService } from '../ports/signal-service.ts';

export class SignalOutbox {
  readonly #signals: SignalService;
  readonly #log: Log;
  readonly #sending = new Set<Promise<void>>();

  constructor(signals: SignalService, log: Log) {
    this.#signals = signals;
    this.#log = log;
  }

  send(to: Membership, signal: Signal): void {
    const sending = this.#signals.send(to, signal).catch((error: unknown) => {
      // A broker that is down shows in the bus state.
      const fields = { peer: to.nodeId, kind: signal.kind, problem: sentenceOf(error) };
      this.#log.debug('signal.not-sent', fields);
    });
    this.#sending.add(sending);
    void sending.then(() => this.#sending.delete(sending));
  }

  /** Resolves when the broker has everything that was sent up to now. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#sending);
  }
}
