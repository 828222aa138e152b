/** Whoever waits for a link to come up. */
import { Refusal } from '../errors.ts';
import type { Clock } from '../ports/clock.ts';

export class UpWaiters<Session> {
  readonly #clock: Clock;
  readonly #waiting = new Set<(session: Session | null) => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Rejects with Refusal('no-answer') when the link ends, or does not come up in time. */
  wait(timeoutMs: number): Promise<Session> {
    return new Promise((resolve, reject) => {
      const finish = (session: Session | null, why: string) => {
        timer.cancel();
        this.#waiting.delete(tell);
        if (session) resolve(session);
        else reject(new Refusal('no-answer', why));
      };
      const tell = (session: Session | null) => finish(session, 'the link ended before it was up');
      const late = `the link did not come up within ${Math.round(timeoutMs)} ms`;
      const timer = this.#clock.after(timeoutMs, () => finish(null, late));
      this.#waiting.add(tell);
    });
  }

  /** The link is up, or (null) it is over. */
  tell(session: Session | null): void {
    for (const waiter of [...this.#waiting]) waiter(session);
  }
}
