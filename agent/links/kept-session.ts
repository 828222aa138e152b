/**
 * The one session of a link, across the PeerConnections that it has one after the other, and what is said when it
 * becomes usable or stops being so.
 */
import type { Clock } from '../ports/clock.ts';
import type { LinkConnection } from './link-connection.ts';
import { LinkSession, type LinkSessionParts } from './link-session.ts';

/**
 * How long a session without any way to the peer is kept and its endpoints probed: outages of minutes end without the
 * broker. Its keys live as long, so it is no longer than it must be.
 */
export const DORMANT_MS = 600_000;

export interface KeptSessionEvents {
  up(session: LinkSession): void;
  down(reason: string): void;
}

export class KeptSession {
  readonly #clock: Clock;
  readonly #parts: Omit<LinkSessionParts, 'replaced' | 'pathChanged'>;
  readonly #pathChanged: LinkSessionParts['pathChanged'];
  readonly #events: KeptSessionEvents;
  #session: LinkSession | null = null;
  #connection: LinkConnection | null = null;
  #saidUp = false;
  #downSinceMs = 0;

  constructor(
    parts: Omit<LinkSessionParts, 'replaced' | 'pathChanged'>,
    pathChanged: LinkSessionParts['pathChanged'],
    events: KeptSessionEvents,
  ) {
    this.#parts = parts;
    this.#clock = parts.options.clock;
    this.#pathChanged = pathChanged;
    this.#events = events;
  }

  /** Also one that no frame can use now. */
  get kept(): LinkSession | null {
    return this.#session;
  }

  get usable(): LinkSession | null {
    return this.#session?.usable ? this.#session : null;
  }

  connected(connection: LinkConnection): void {
    this.#connection = connection;
    if (this.#session) this.#session.attach(connection);
    else this.#begin(connection);
  }

  /** The connection is gone; true where the fast path lives on. */
  lostConnection(reason: string): boolean {
    this.#session?.detach();
    this.look(reason);
    return this.usable !== null;
  }

  /** To be called when anything may have changed, and every 250 ms. */
  look(reason: string): void {
    const session = this.#session;
    const usable = session?.usable ?? false;
    if (session && usable && !this.#saidUp) {
      this.#saidUp = true;
      this.#events.up(session);
    } else if (!usable && this.#saidUp) {
      this.#saidUp = false;
      this.#downSinceMs = this.#clock.monotonicMs();
      this.#events.down(reason);
    }
    const dormant = session && !usable && this.#clock.monotonicMs() - this.#downSinceMs >= DORMANT_MS;
    if (dormant) this.drop(reason);
  }

  drop(reason: string): void {
    const session = this.#session;
    this.#session = null;
    session?.stop(reason);
    this.look(reason);
  }

  /** The peer is another than it was: so is the session, on the connection that said so. */
  #beginAgain(message: string): void {
    this.drop('peer-restarted');
    if (this.#connection) this.#begin(this.#connection);
    this.#session?.control(message);
  }

  #begin(connection: LinkConnection): void {
    const session: LinkSession = new LinkSession(
      {
        ...this.#parts,
        replaced: (message) => this.#beginAgain(message),
        pathChanged: (path, endpoint) => {
          if (this.#session !== session) return;
          this.look('peer-silent');
          this.#pathChanged(path, endpoint);
        },
      },
      connection,
    );
    this.#session = session;
    session.start();
    this.look('');
  }
}
