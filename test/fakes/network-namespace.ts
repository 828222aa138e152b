/** Runs this test file a second time where it may make TAP devices: in a network namespace of its own. */
import { spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MARK = 'TINCAN_TEST_NAMESPACE';
const RUN_LIMIT_MS = 120_000;
const root = fileURLToPath(new URL('../..', import.meta.url));

/** True in the second run. */
export const insideNamespace = process.env[MARK] === '1';

/** As root a network namespace is enough; anybody else needs a user namespace with it. */
const UNSHARE = process.getuid?.() === 0 ? ['--net'] : ['--user', '--map-root-user', '--net'];

/** Why no namespace with a TAP device can be had here, in one sentence; null when it can. */
export function namespaceProblem(): string | null {
  const { status, stderr, error } = spawnSync('unshare', [...UNSHARE, 'ip', 'link', 'set', 'lo', 'up'], {
    encoding: 'utf8',
  });
  if (error) return `unshare (util-linux) cannot be run: ${error.message}`;
  if (status !== 0) return `a network namespace is not permitted: ${stderr.trim()}`;
  try {
    closeSync(openSync('/dev/net/tun', 'r+'));
    return null;
  } catch (cause) {
    return `/dev/net/tun cannot be opened: ${cause instanceof Error ? cause.message : String(cause)}`;
  }
}

/** The test file's run in the namespace; `project` is its tier in vitest.config.ts. */
export function runInNamespace(project: string, file: string): { passed: boolean; output: string } {
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const command = 'ip link set lo up && exec "$@"';
  const { status, stdout, stderr, error } = spawnSync(
    'unshare',
    [...UNSHARE, 'sh', '-c', command, 'sh', process.execPath, vitest, 'run', '--project', project, file],
    { cwd: root, encoding: 'utf8', timeout: RUN_LIMIT_MS, env: { ...process.env, [MARK]: '1' } },
  );
  return { passed: status === 0, output: `${stdout}\n${stderr}\n${error ?? ''}` };
}
