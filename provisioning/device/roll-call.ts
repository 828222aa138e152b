/** Everything retained that a topic filter matches: brokers send it right behind their acknowledgement, and say no end. */
import type { Clock, Timer } from '../../agent/ports/clock.ts';
import type { MessageBus } from '../../agent/ports/message-bus.ts';

/** A slow mobile network takes a second for a round trip; a broker that is away answers nothing at all. */
const LIMIT_MS = 3_000;
/** After the acknowledgement, and after each message: retained ones come one behind another. */
const QUIET_MS = 250;

/** Gives each message to `receive`; resolves when no more come. Never throws, and does not wait for an absent broker. */
export function rollCall(
  bus: MessageBus,
  clock: Clock,
  filter: string,
  receive: (payload: Uint8Array) => void,
): Promise<void> {
  if (!bus.state().connected) return Promise.resolve();
  return new Promise((resolve) => {
    let quiet: Timer | null = null;
    const finish = (): void => {
      quiet?.cancel();
      limit.cancel();
      subscription.cancel();
      resolve();
    };
    const limit = clock.after(LIMIT_MS, finish);
    const wait = (): void => {
      quiet?.cancel();
      quiet = clock.after(QUIET_MS, finish);
    };
    const subscription = bus.subscribe(filter, (_, payload) => {
      receive(payload);
      // Before the acknowledgement nothing says that more will come: the limit alone ends that.
      if (quiet) wait();
    });
    subscription.ready.then(wait, finish);
  });
}
