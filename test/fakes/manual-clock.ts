/** A clock that stands still until a test advances it; tasks run in order of their time, then in order of asking. */
import type { Clock, Timer } from '../../agent/ports/clock.ts';

interface Task {
  dueMs: number;
  order: number;
  periodMs: number | null;
  run: () => void;
}

/** Taken at import, so that a test that replaces the global timers does not stop the clock itself. */
const afterPendingWork = globalThis.setImmediate;

export class ManualClock implements Clock {
  #nowMs = 0;
  #asked = 0;
  readonly #startWallMs: number;
  readonly #tasks = new Set<Task>();

  constructor(startWallMs = Date.UTC(2026, 10, 1)) {
    this.#startWallMs = startWallMs;
  }

  wallMs(): number {
    return this.#startWallMs + this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, task: () => void): Timer {
    return this.#schedule(delayMs, null, task);
  }

  every(periodMs: number, task: () => void): Timer {
    // A period of nothing would keep `advance` in one moment for ever.
    return this.#schedule(periodMs, Math.max(1, periodMs), task);
  }

  /** How many tasks wait: what a closed object must leave at zero. */
  pending(): number {
    return this.#tasks.size;
  }

  /** Moves time on; what the tasks start by promises is settled before the next task runs. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await this.settle();
    for (let task = this.#next(untilMs); task; task = this.#next(untilMs)) {
      this.#nowMs = Math.max(this.#nowMs, task.dueMs);
      if (task.periodMs === null) this.#tasks.delete(task);
      else task.dueMs += task.periodMs;
      task.run();
      await this.settle();
    }
    this.#nowMs = untilMs;
    await this.settle();
  }

  /** Lets promises settle without moving time. Work in threads (hashing, files) is not waited for. */
  async settle(): Promise<void> {
    await new Promise<void>((resolve) => afterPendingWork(resolve));
  }

  #schedule(delayMs: number, periodMs: number | null, run: () => void): Timer {
    const task: Task = { dueMs: this.#nowMs + Math.max(0, delayMs), order: this.#asked++, periodMs, run };
    this.#tasks.add(task);
    return { cancel: () => void this.#tasks.delete(task) };
  }

  #next(untilMs: number): Task | undefined {
    let first: Task | undefined;
    for (const task of this.#tasks) {
      if (task.dueMs > untilMs) continue;
      if (!first || task.dueMs < first.dueMs || (task.dueMs === first.dueMs && task.order < first.order)) {
        first = task;
      }
    }
    return first;
  }
}
