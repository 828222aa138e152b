/** Tells a link's owner when its session is gone, is there again, and when frames that wait can go. */
import type { LinkSession } from './link-session.ts';
import type { LinkEvents } from './link-types.ts';

export class LinkNews {
  readonly #events: LinkEvents;
  #alive = false;
  #open = false;

  constructor(events: LinkEvents) {
    this.#events = events;
  }

  /** To be called after whatever may have changed the session. True when frames can be sent again. */
  tell(session: LinkSession | null, reason: string, setupMs: number | null): boolean {
    const [wasAlive, wasOpen] = [this.#alive, this.#open];
    this.#alive = session?.alive ?? false;
    this.#open = session?.open ?? false;
    if (wasAlive && !this.#alive) {
      this.#events.happened('link.down', { reason });
      this.#events.down(reason);
    }
    if (!wasAlive && this.#alive) this.#events.happened('link.up', { setupMs });
    if (wasOpen || !this.#open) return false;
    this.#events.up();
    return true;
  }
}
