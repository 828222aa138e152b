/** The real CLI, dist/tincan.js, as a child process on a host of the lab. */
import { EnvironmentFault } from '../../agent/errors.ts';
import type { LabHost } from '../lab/lab-host.ts';
import { repositoryPath } from '../lab/repository.ts';

/** A command that ends by itself; fleets and claims are made in well under a second. */
const COMMAND_LIMIT_MS = 15_000;

/** `tincan ARGS` as a command to start. */
export function tincanCommand(...args: string[]): string[] {
  return [process.execPath, repositoryPath('dist/tincan.js'), ...args];
}

/** Runs `tincan ARGS` on a host to its end. Throws EnvironmentFault with its own sentence when it fails. */
export async function runTincan(host: LabHost, ...args: string[]): Promise<string> {
  const { code, signal, stdout, stderr } = await host.run(tincanCommand(...args), {
    timeoutMs: COMMAND_LIMIT_MS,
  });
  if (code === 0) return stdout;
  const said = stderr.trim() || 'it said nothing';
  throw new EnvironmentFault(
    'command-failed',
    `tincan ${args.join(' ')} failed (${signal ?? `exit ${code}`}): ${said}`,
  );
}

/** The same with `--json`; the answer is what its source says it is (agent/ports/agent-control.ts). */
export async function askTincan<T>(host: LabHost, ...args: string[]): Promise<T> {
  const stdout = await runTincan(host, ...args, '--json');
  try {
    return JSON.parse(stdout) as T;
  } catch (error) {
    throw new EnvironmentFault('bad-answer', `tincan ${args.join(' ')} --json printed no JSON: ${stdout}`, {
      cause: error,
    });
  }
}
