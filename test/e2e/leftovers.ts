/** What a lab or a demo has left on the machine: namespaces, processes, files. Empty when all is well. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

/** The guard gives processes 2 s to end by themselves and then insists. */
const CLEANUP_LIMIT_MS = 15_000;
const POLL_MS = 50;

/** Everything that bears the lab's name, as one line each. */
export function leftoversOf(labName: string): string[] {
  const namespaces = execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' }).split('\n');
  return [
    ...namespaces.filter((line) => line.startsWith(labName)).map((line) => `namespace ${line}`),
    ...commandLines().filter((line) => line.includes(labName)),
    ...readdirSync(tmpdir()).filter((file) => file.includes(labName)),
  ];
}

/** Waits for a cleanup that goes on in the background, and returns what is there at the end of the limit. */
export async function leftoversAfterCleanup(labName: string): Promise<string[]> {
  const deadline = performance.now() + CLEANUP_LIMIT_MS;
  let left = leftoversOf(labName);
  while (left.length > 0 && performance.now() < deadline) {
    await sleep(POLL_MS);
    left = leftoversOf(labName);
  }
  return left;
}

function commandLines(): string[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)
    .flatMap((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return words ? [`process ${pid} ${words}`] : [];
      } catch {
        // It ended between the listing and the reading.
        return [];
      }
    });
}
