/**
 * Readers that share a queue: one while all chips answer, more while some do not, so that a chip that hangs delays nobody
 * for longer than a moment. A device whose read hangs is not read again before that read has ended at last.
 */
import { dirname } from 'node:path';
import { EnvironmentFault } from '../errors.ts';
import type { Timer } from '../ports/clock.ts';
import { type OutsideAnswer, type OutsideQuestion, OutsideReader } from './outside-reader.ts';
import { systemClock } from './system-clock.ts';

/** A chip on a slow bus takes some ten milliseconds; whoever waits longer gets a reader of his own. */
const PATIENCE_MS = 100;
/** A task without a limit of its own ends after this. */
const LIMIT_MS = 10_000;
/** Readers that hang in the kernel, each in another device. */
const MOST_HANGING = 16;

interface Task {
  question: OutsideQuestion;
  device: string;
  signal: AbortSignal;
  resolve: (answer: OutsideAnswer) => void;
  reject: (reason: unknown) => void;
}

export class OutsideLane {
  readonly #atOnce: number;
  readonly #waiting = new Set<Task>();
  readonly #idle: OutsideReader[] = [];
  /** Device -> whether its read was given up. */
  readonly #hanging = new Set<string>();
  #busy = 0;
  #patience: Timer | null = null;

  constructor(atOnce: number) {
    this.#atOnce = atOnce;
  }

  /** The answer; rejects with the signal's reason, and with EnvironmentFault('device-hangs') while an earlier task hangs. */
  run(question: OutsideQuestion, signal?: AbortSignal): Promise<OutsideAnswer> {
    const limit = AbortSignal.timeout(LIMIT_MS);
    const bounded = signal ? AbortSignal.any([signal, limit]) : limit;
    bounded.throwIfAborted();
    return new Promise((resolve, reject) => {
      const task = { question, device: dirname(question.path), signal: bounded, resolve, reject };
      this.#waiting.add(task);
      bounded.addEventListener('abort', () => this.#waiting.delete(task) && reject(bounded.reason), {
        once: true,
      });
      this.#serve();
    });
  }

  #serve(): void {
    for (const task of this.#waiting) {
      const reader = this.#idle.pop() ?? (this.#busy === 0 ? this.#newReader() : null);
      if (!reader) {
        this.#growLater();
        return;
      }
      this.#begin(task, reader);
    }
  }

  /** Somebody waits: the readers there are have a moment to end what they do. */
  #growLater(): void {
    if (this.#busy >= this.#atOnce) return;
    this.#patience ??= systemClock.after(PATIENCE_MS, () => {
      this.#patience = null;
      const [task] = this.#waiting;
      const reader = this.#idle.pop() ?? (this.#busy < this.#atOnce ? this.#newReader() : null);
      if (task && reader) this.#begin(task, reader);
      else if (reader) this.#idle.push(reader);
      if (this.#waiting.size > 0) this.#serve();
    });
  }

  #newReader(): OutsideReader {
    const reader: OutsideReader = new OutsideReader(() => {
      const at = this.#idle.indexOf(reader);
      if (at !== -1) this.#idle.splice(at, 1);
    });
    return reader;
  }

  #begin(task: Task, reader: OutsideReader): void {
    this.#waiting.delete(task);
    const { question, device, signal, resolve, reject } = task;
    const problem = this.#refusal(device);
    if (problem) {
      this.#idle.push(reader);
      reject(problem);
      return;
    }
    this.#busy++;
    let given = false;
    const giveUp = (): void => {
      given = true;
      this.#hanging.add(device);
      this.#busy--;
      reader.end();
      reject(signal.reason);
      this.#serve();
    };
    signal.addEventListener('abort', giveUp, { once: true });
    void reader.ask(question).then((answer) => {
      signal.removeEventListener('abort', giveUp);
      // Ended at last: the device answers, or is gone.
      if (given) return void this.#hanging.delete(device);
      this.#busy--;
      if (!reader.gone) this.#idle.push(reader);
      resolve(answer);
      this.#serve();
    });
  }

  #refusal(device: string): EnvironmentFault | null {
    const hangs = this.#hanging.has(device);
    if (!hangs && this.#hanging.size < MOST_HANGING) return null;
    const why = hangs
      ? `${device} hangs: an earlier read of it has not ended; check the wiring and the kernel log`
      : `${MOST_HANGING} devices hang already, so ${device} is not read: check the kernel log`;
    return new EnvironmentFault('device-hangs', why, { retryable: true });
  }
}
