/**
 * Programs run for their output, as little as that needs: no shell, no environment, no input, no rights of the agent
 * where it has root's, a bound on what is kept of the output, and an end for all that the program started.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { EnvironmentFault } from '../errors.ts';
import type { CommandRunner } from '../ports/command.ts';

const MOST_OUTPUT_BYTES = 4_096;
/** `nobody` and `nogroup` on Debian. */
const NOBODY = 65_534;

export class ConfinedCommand implements CommandRunner {
  run(argv: readonly string[], signal: AbortSignal): Promise<string> {
    signal.throwIfAborted();
    const [program = '', ...args] = argv;
    return new Promise((resolve, reject) => {
      const child = spawn(program, args, {
        shell: false,
        // A process group of its own, so that its children end with it.
        detached: true,
        env: {},
        cwd: '/',
        stdio: ['ignore', 'pipe', 'ignore'],
        ...(process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}),
      });
      const chunks: Buffer[] = [];
      let bytes = 0;
      const fail = (code: string, problem: string, cause?: unknown) => {
        killGroup(child);
        reject(new EnvironmentFault(code, `${program} ${problem}`, { retryable: true, cause }));
      };
      const abort = () => {
        killGroup(child);
        reject(signal.reason);
      };
      signal.addEventListener('abort', abort, { once: true });
      child.stdout?.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes <= MOST_OUTPUT_BYTES) chunks.push(chunk);
        else fail('too-much-output', `printed more than ${MOST_OUTPUT_BYTES} bytes: let it print one value`);
      });
      child.on('error', (error) =>
        fail('no-command', `cannot be run (${error.message}): check the config`, error),
      );
      child.on('close', (status, killer) => {
        signal.removeEventListener('abort', abort);
        killGroup(child);
        if (status === 0) resolve(Buffer.concat(chunks).toString('utf8').trim());
        else fail('command-failed', `ended with ${killer ?? `status ${status}`}: run it by hand to see why`);
      });
    });
  }
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nobody of the group is left.
  }
}
