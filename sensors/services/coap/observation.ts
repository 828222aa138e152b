/**
 * One client that observes one sensor (RFC 7641). What it is told next:
 *
 *   new value, told lately           once a second has passed
 *   new value                        now, non-confirmable
 *   no answer from it for a minute   now, confirmable, though nothing is new: is it still there, and is it still fresh
 *   no acknowledgement               the newest state again, after 2, 4, 8 and 16 s; then it is forgotten
 */
import type { Clock, Timer } from '../../../agent/ports/clock.ts';

/** A sensor that is read ten times a second must not flood a radio. */
const LEAST_INTERVAL_MS = 1_000;
/** Below the Max-Age of what it was told. */
const CONFIRM_AFTER_MS = 50_000;
/** RFC 7252 section 4.8: ACK_TIMEOUT, ACK_RANDOM_FACTOR, MAX_RETRANSMIT. */
const ACK_TIMEOUT_MS = 2_000;
const ACK_RANDOM_FACTOR = 1.5;
const MAX_RETRANSMIT = 4;
const REMEMBERED_MESSAGES = 8;

export interface ObservationOptions {
  clock: Clock;
  random: () => number;
  /** Tells the present state; gives the message's number, or null when that was the last one. */
  tell: (confirmable: boolean) => number | null;
  /** It is over. */
  onEnd: () => void;
}

export class Observation {
  readonly #options: ObservationOptions;
  /** Messages that it can refuse (reset) or acknowledge, newest last. */
  #sent: number[] = [];
  #toldAtMs: number;
  #heardAtMs: number;
  #next: Timer | null = null;
  /** Confirmable messages that were sent without an acknowledgement. */
  #unheard = 0;
  #over = false;

  constructor(options: ObservationOptions) {
    this.#options = options;
    // The answer that it registered with was just now.
    this.#toldAtMs = options.clock.monotonicMs();
    this.#heardAtMs = this.#toldAtMs;
    this.#plan(CONFIRM_AFTER_MS, () => this.#confirm());
  }

  /** There is a new value. */
  news(): void {
    if (this.#over || this.#unheard > 0) return;
    const { clock } = this.#options;
    const waitMs = this.#toldAtMs + LEAST_INTERVAL_MS - clock.monotonicMs();
    this.#plan(Math.max(0, waitMs), () => this.#tellNews());
  }

  /** Whether this message was one of its own. */
  sent(messageId: number): boolean {
    return this.#sent.includes(messageId);
  }

  acknowledged(): void {
    this.#unheard = 0;
    this.#heardAtMs = this.#options.clock.monotonicMs();
    this.#plan(CONFIRM_AFTER_MS, () => this.#confirm());
  }

  end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#next?.cancel();
    this.#options.onEnd();
  }

  #tellNews(): void {
    const now = this.#options.clock.monotonicMs();
    const leftMs = this.#heardAtMs + CONFIRM_AFTER_MS - now;
    if (leftMs > 0) {
      this.#tell(false);
      this.#plan(leftMs, () => this.#confirm());
    } else this.#confirm();
  }

  #confirm(): void {
    if (this.#unheard > MAX_RETRANSMIT) {
      this.end();
      return;
    }
    const { random } = this.#options;
    const factor = 1 + random() * (ACK_RANDOM_FACTOR - 1);
    this.#tell(true);
    this.#plan(ACK_TIMEOUT_MS * factor * 2 ** this.#unheard, () => this.#confirm());
    this.#unheard++;
  }

  #tell(confirmable: boolean): void {
    if (this.#over) return;
    const messageId = this.#options.tell(confirmable);
    this.#toldAtMs = this.#options.clock.monotonicMs();
    if (messageId === null) this.end();
    else this.#sent = [...this.#sent, messageId].slice(-REMEMBERED_MESSAGES);
  }

  #plan(delayMs: number, task: () => void): void {
    this.#next?.cancel();
    if (!this.#over) this.#next = this.#options.clock.after(delayMs, task);
  }
}
