/** Time as the domain sees it; only adapters/system-clock.ts and the tests' manual clock know where it comes from. */
export interface Clock {
  /** Wall clock, Unix milliseconds. Boards have no RTC: use it for display and trusted-time only, never for order. */
  wallMs(): number;
  /** Monotonic milliseconds since an arbitrary start; the only time that durations are measured with. */
  monotonicMs(): number;
  /** Runs `task` once after `delayMs`. */
  after(delayMs: number, task: () => void): Timer;
  /** Runs `task` every `periodMs`, first after one period. */
  every(periodMs: number, task: () => void): Timer;
}

export interface Timer {
  cancel(): void;
}
