/** An end to waiting for something that may never answer. */
import { EnvironmentFault } from '../agent/errors.ts';
import type { Clock } from '../agent/ports/clock.ts';

/** The task's result, or EnvironmentFault('no-answer') after `limitMs`; the task's signal aborts then. */
export async function withTimeLimit<Result>(
  clock: Clock,
  limitMs: number,
  what: string,
  task: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const abort = new AbortController();
  let give = (_: EnvironmentFault): void => {};
  const late = new Promise<never>((_, reject) => {
    give = reject;
  });
  const timer = clock.after(limitMs, () => {
    const fault = new EnvironmentFault('no-answer', `${what} gave no answer within ${limitMs} ms`, {
      retryable: true,
    });
    abort.abort(fault);
    give(fault);
  });
  try {
    return await Promise.race([task(abort.signal), late]);
  } finally {
    timer.cancel();
  }
}

/** Waits for `work`, but no longer than `limitMs`; false: it had not ended by then. */
export function endsWithin(clock: Clock, limitMs: number, work: Promise<unknown>): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(limitMs, () => resolve(false));
    work.then(() => resolve(true), reject).finally(() => timer.cancel());
  });
}
