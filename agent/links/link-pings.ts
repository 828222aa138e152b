/** Pings that wait for their answer, over either path. */
import { Refusal } from '../errors.ts';
import type { Clock } from '../ports/clock.ts';

export interface PingAnswer {
  path: 'fast' | 'slow';
  rttMs: number;
}

export class LinkPings {
  readonly #clock: Clock;
  readonly #waiting = new Map<string, (rttMs: number) => void>();
  readonly #gaveUp = new Set<(reason: string) => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Rejects with Refusal('no-answer') after the time limit, or when the link goes. */
  wait(path: 'fast' | 'slow', id: number, timeoutMs: number): Promise<PingAnswer> {
    const key = `${path} ${id}`;
    return new Promise((resolve, reject) => {
      const over = () => {
        this.#waiting.delete(key);
        this.#gaveUp.delete(fail);
        timer.cancel();
      };
      const fail = (why: string) => {
        over();
        reject(new Refusal('no-answer', why));
      };
      const timer = this.#clock.after(timeoutMs, () =>
        fail(`the peer did not answer within ${timeoutMs} ms`),
      );
      this.#gaveUp.add(fail);
      this.#waiting.set(key, (rttMs) => {
        over();
        resolve({ path, rttMs });
      });
    });
  }

  answered(path: 'fast' | 'slow', id: number, rttMs: number): void {
    this.#waiting.get(`${path} ${id}`)?.(rttMs);
  }

  close(reason: string): void {
    for (const fail of [...this.#gaveUp]) fail(`the link closed before the peer answered: ${reason}`);
  }
}
