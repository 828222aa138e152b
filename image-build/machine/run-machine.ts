/** Runs QEMU with the board's console on this terminal until the machine, the user, a signal or the time ends it. */
import { spawn } from 'node:child_process';
import { EnvironmentFault, Refusal } from '../../agent/errors.ts';
import { programPath } from '../product/needed-programs.ts';
import { type Machine, qemuCommand } from './qemu-command.ts';

/** QEMU ends at once on SIGTERM; one that does not is stuck. */
const STOP_LIMIT_MS = 5_000;

export type MachineEnd = 'powered-off' | 'interrupted' | 'timed-out';

/** Throws Refusal('qemu-failed') where QEMU did not take the machine. */
export async function runMachine(
  machine: Machine,
  signal: AbortSignal,
  timeoutMs: number | null,
): Promise<MachineEnd> {
  const [program, ...args] = qemuCommand(machine);
  const child = spawn(program, args, {
    stdio: 'inherit',
    env: { ...process.env, PATH: programPath() },
  });
  let end: MachineEnd = 'powered-off';
  let force: NodeJS.Timeout | undefined;
  const stop = (why: MachineEnd): void => {
    end = why;
    child.kill('SIGTERM');
    force ??= setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
  };
  const interrupt = (): void => stop('interrupted');
  signal.addEventListener('abort', interrupt, { once: true });
  const timer = timeoutMs === null ? undefined : setTimeout(() => stop('timed-out'), timeoutMs);
  try {
    if (signal.aborted) interrupt();
    const code = await endOf(child, program);
    if (end === 'powered-off' && code !== 0) {
      throw new Refusal('qemu-failed', `${program} ended with ${code}; what it said stands above`);
    }
    return end;
  } finally {
    clearTimeout(timer);
    clearTimeout(force);
    signal.removeEventListener('abort', interrupt);
  }
}

function endOf(child: ReturnType<typeof spawn>, program: string): Promise<number | string> {
  return new Promise((resolve, reject) => {
    child.once('error', (error) =>
      reject(
        new EnvironmentFault('qemu-failed', `${program} cannot be started: ${error.message}`, {
          cause: error,
        }),
      ),
    );
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'nothing'));
  });
}
