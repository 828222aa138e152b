/**
 * Which signals of an authentic sender are let through: none twice, none from before what is already known, and not
 * too many. Sequences rise over the sender's life (restarts included); a window tolerates that the broker reorders.
 */
import type { Clock } from '../ports/clock.ts';

/** How far back a late signal may lie; a link's whole negotiation is about ten signals. */
export const REPLAY_WINDOW = 64;
/** Senders remembered; a fleet member is needed to fill it, and the oldest goes first. */
const MAX_SENDERS = 2048;

interface SenderWindow {
  highest: number;
  seen: Set<number>;
}

/** Remembers which sequences of each sender were accepted. */
export class ReplayGuard {
  readonly #senders = new Map<string, SenderWindow>();

  /** True once per sequence, and never for one that lies below the window. */
  accept(sender: string, sequence: number): boolean {
    const window = this.#windowOf(sender);
    if (sequence <= window.highest - REPLAY_WINDOW || window.seen.has(sequence)) return false;
    window.seen.add(sequence);
    if (sequence > window.highest) {
      window.highest = sequence;
      for (const old of window.seen) if (old <= sequence - REPLAY_WINDOW) window.seen.delete(old);
    }
    return true;
  }

  #windowOf(sender: string): SenderWindow {
    const known = this.#senders.get(sender) ?? { highest: -1, seen: new Set<number>() };
    this.#senders.delete(sender);
    this.#senders.set(sender, known);
    if (this.#senders.size > MAX_SENDERS) {
      const oldest = this.#senders.keys().next();
      if (!oldest.done) this.#senders.delete(oldest.value);
    }
    return known;
  }
}

/** A token bucket: `burst` at once, then `perSecond`. */
export class RateCap {
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #clock: Clock;
  #tokens: number;
  #at: number;

  constructor(perSecond: number, burst: number, clock: Clock) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#clock = clock;
    this.#tokens = burst;
    this.#at = clock.monotonicMs();
  }

  take(): boolean {
    const now = this.#clock.monotonicMs();
    this.#tokens = Math.min(this.#burst, this.#tokens + ((now - this.#at) / 1000) * this.#perSecond);
    this.#at = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
