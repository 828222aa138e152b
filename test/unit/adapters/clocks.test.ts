import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../../agent/adapters/system-clock.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';

describe('the manual clock', () => {
  it('runs tasks in order of time, then of asking, at their own time', async () => {
    const clock = new ManualClock(1000);
    const ran: [string, number][] = [];
    const note = (name: string) => () => void ran.push([name, clock.monotonicMs()]);
    clock.after(20, note('late'));
    clock.after(10, note('early'));
    clock.after(10, note('second'));
    clock.every(8, note('period'));
    await clock.advance(20);
    expect(ran).toEqual([
      ['period', 8],
      ['early', 10],
      ['second', 10],
      ['period', 16],
      ['late', 20],
    ]);
    expect([clock.monotonicMs(), clock.wallMs()]).toEqual([20, 1020]);
  });

  it('settles promises between tasks, so that what they start by promise is in time', async () => {
    const clock = new ManualClock();
    const ran: string[] = [];
    clock.after(10, () => {
      void Promise.resolve()
        .then(() => undefined)
        .then(() => clock.after(5, () => void ran.push('started by promise')));
    });
    clock.after(20, () => void ran.push('later'));
    await clock.advance(20);
    expect(ran).toEqual(['started by promise', 'later']);
  });

  it('forgets cancelled tasks, also from within a task', async () => {
    const clock = new ManualClock();
    let ran = 0;
    const timer = clock.every(1, () => {
      ran += 1;
      if (ran === 3) timer.cancel();
    });
    clock.after(5, () => void ran++).cancel();
    await clock.advance(10);
    expect(ran).toBe(3);
    expect(clock.pending()).toBe(0);
  });
});

describe('the system clock', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());
  const DAY_MS = 86_400_000;

  it('runs a task once after its delay, or never when cancelled', () => {
    const task = vi.fn();
    systemClock.after(100, task);
    systemClock.after(100, task).cancel();
    vi.advanceTimersByTime(99);
    expect(task).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1000);
    expect(task).toHaveBeenCalledTimes(1);
  });

  it('repeats until cancelled', () => {
    const task = vi.fn();
    const timer = systemClock.every(100, task);
    vi.advanceTimersByTime(350);
    timer.cancel();
    vi.advanceTimersByTime(1000);
    expect(task).toHaveBeenCalledTimes(3);
  });

  it('waits longer than the 24.8 days that a timer of Node can', () => {
    const task = vi.fn();
    systemClock.after(60 * DAY_MS, task);
    const cancelled = systemClock.after(60 * DAY_MS, task);
    vi.advanceTimersByTime(59 * DAY_MS);
    expect(task).not.toHaveBeenCalled();
    cancelled.cancel();
    vi.advanceTimersByTime(2 * DAY_MS);
    expect(task).toHaveBeenCalledTimes(1);
  });

  it('repeats with longer periods as well', () => {
    const task = vi.fn();
    const timer = systemClock.every(30 * DAY_MS, task);
    vi.advanceTimersByTime(95 * DAY_MS);
    timer.cancel();
    vi.advanceTimersByTime(95 * DAY_MS);
    expect(task).toHaveBeenCalledTimes(3);
    expect(vi.getTimerCount()).toBe(0);
  });
});
