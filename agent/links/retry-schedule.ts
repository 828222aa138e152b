/** When to try a link again: exponential backoff with jitter, so that the two ends and many devices do not march in step. */
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 30_000;
const LONGEST_SOON_MS = 1_500;

/** `failures` counts from 1; `random` is uniform in [0, 1). The delay lies in the upper half of its step. */
export function retryDelayMs(failures: number, random: () => number, soon = false): number {
  const longestMs = soon ? LONGEST_SOON_MS : LONGEST_RETRY_MS;
  const ceiling = Math.min(longestMs, FIRST_RETRY_MS * 2 ** Math.min(failures - 1, 16));
  return Math.round(ceiling / 2 + (random() * ceiling) / 2);
}
