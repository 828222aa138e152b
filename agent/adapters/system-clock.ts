/** The Clock port over the machine's clocks and Node's timers: the only file that asks them. */
import type { Clock, Timer } from '../ports/clock.ts';

/** Node's timers count in signed 32 bits and fire at once beyond that, so longer waits are made of several. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after: (delayMs, task) => startOnce(delayMs, task),
  every: (periodMs, task) => {
    if (periodMs > LONGEST_TIMER_MS) return startLongPeriod(periodMs, task);
    const timer = setInterval(task, periodMs);
    return { cancel: () => clearInterval(timer) };
  },
};

function startOnce(delayMs: number, task: () => void): Timer {
  const dueMs = performance.now() + delayMs;
  let timer: NodeJS.Timeout;
  const wait = (leftMs: number): void => {
    timer =
      leftMs <= LONGEST_TIMER_MS
        ? setTimeout(task, leftMs)
        : setTimeout(() => wait(dueMs - performance.now()), LONGEST_TIMER_MS);
  };
  wait(delayMs);
  return { cancel: () => clearTimeout(timer) };
}

function startLongPeriod(periodMs: number, task: () => void): Timer {
  let current: Timer;
  const next = (): void => {
    current = startOnce(periodMs, () => {
      next();
      task();
    });
  };
  next();
  return { cancel: () => current.cancel() };
}
