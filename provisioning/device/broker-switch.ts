/** Opens the bus for the broker that the claim or the config names, and only when that is another one than before. */
import type { BusOptions, MessageBus, OpenMessageBus } from '../../agent/ports/message-bus.ts';
import type { BrokerAccess } from '../documents/claim.ts';
import { SwitchableBus } from './switchable-bus.ts';

/** How the device is known to the broker. */
export type ClientIdentity = Pick<BusOptions, 'clientId'> & { will: NonNullable<BusOptions['will']> };

export class BrokerSwitch {
  readonly #open: OpenMessageBus;
  readonly #bus = new SwitchableBus();
  #access: BrokerAccess | null = null;

  constructor(open: OpenMessageBus) {
    this.#open = open;
  }

  get bus(): MessageBus {
    return this.#bus;
  }

  url(): string | null {
    return this.#access && withoutUser(this.#access.url);
  }

  /** True when the broker was changed: the connection to the new one is then on its way. */
  async use(access: BrokerAccess, identity: ClientIdentity): Promise<boolean> {
    const { url, username, password, ca } = access;
    if (this.#access && sameAccess(this.#access, access)) return false;
    this.#access = access;
    const credentials = {
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      ...(ca === undefined ? {} : { ca }),
    };
    await this.#bus.switchTo(this.#open({ url, ...credentials, ...identity }));
    return true;
  }

  /** Resolves when the broker has let us in; rejects with the signal's reason when that ends first. */
  connected(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#bus.state().connected) return resolve();
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      this.#bus.onState((state) => {
        if (state.connected) resolve();
      });
    });
  }
}

function sameAccess(one: BrokerAccess, other: BrokerAccess): boolean {
  return (
    one.url === other.url &&
    one.username === other.username &&
    one.password === other.password &&
    one.ca === other.ca
  );
}

function withoutUser(url: string): string {
  return url.replace(/^(\w+:\/\/)[^/@]*@/, '$1');
}
