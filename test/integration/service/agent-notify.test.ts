/** The agent's own process beside a service manager: a real socket of the kind that systemd listens on. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { insideNamespace, namespaceProblem, runInNamespace } from '../../fakes/network-namespace.ts';

const file = fileURLToPath(import.meta.url);
const program = fileURLToPath(new URL('../../../dist/tincan.js', import.meta.url));
/** Node has no datagram sockets of this family; perl is in every Debian. */
const LISTENER = `use Socket; socket(S, AF_UNIX, SOCK_DGRAM, 0); bind(S, pack_sockaddr_un($ARGV[0])) or die;
  $| = 1; print "listening\\n"; while (defined recv(S, $m, 4096, 0)) { print "$m\\n" }`;

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'tincan-notify-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

function kept(child: ChildProcess): ChildProcess {
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

async function listenAt(path: string): Promise<() => string> {
  const listener = kept(spawn('perl', ['-e', LISTENER, path], { stdio: ['ignore', 'pipe', 'inherit'] }));
  let heard = '';
  listener.stdout?.on('data', (chunk: Buffer) => {
    heard += chunk.toString();
  });
  await vi.waitFor(() => expect(heard).toContain('listening'), 5_000);
  return () => heard;
}

function agentWith(environment: Record<string, string>, ...args: string[]): ChildProcess {
  return kept(
    spawn(process.execPath, [program, 'agent', ...args], {
      stdio: 'ignore',
      env: { ...process.env, ...environment },
    }),
  );
}

if (insideNamespace) {
  describe('the agent as a service', () => {
    it('says that it is ready, that it lives, and that it stops', async () => {
      const directory = temporaryDirectory();
      const fleet = join(directory, 'fleet');
      const tincan = (...args: string[]) =>
        execFileSync(process.execPath, [program, ...args], { cwd: directory, stdio: 'pipe' });
      tincan('fleet', 'init', fleet, '--name', 'home', '--broker', 'mqtt://127.0.0.1:1');
      tincan('fleet', 'add', fleet, 'greenhouse');
      const socket = join(directory, 'notify');
      const heard = await listenAt(socket);
      const state = join(directory, 'state');
      const agent = agentWith(
        { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '15000000' },
        ...['--state', state, '--claim', join(directory, 'greenhouse.claim.json')],
      );
      await vi.waitFor(() => expect(heard().match(/WATCHDOG=1/g)?.length).toBeGreaterThan(1), 20_000);
      expect(heard()).toMatch(/^listening\nREADY=1\nSTATUS=enrolling: greenhouse.*\nWATCHDOG=1\n/);
      agent.kill('SIGTERM');
      await vi.waitFor(() => expect(heard()).toMatch(/STOPPING=1\n$/), 5_000);
    });

    it('is never ready without a claim', async () => {
      const directory = temporaryDirectory();
      const socket = join(directory, 'notify');
      const heard = await listenAt(socket);
      const agent = agentWith({ NOTIFY_SOCKET: socket }, '--state', join(directory, 'state'));
      const code = await new Promise((resolve) => agent.once('exit', resolve));
      expect(code).toBe(1);
      expect(heard()).toBe('listening\nSTOPPING=1\n');
    });
  });
} else {
  describe('the agent as a service', () => {
    const problem = namespaceProblem();
    it.skipIf(problem !== null)(
      `is fit for a network namespace of its own${problem ? ` (${problem})` : ''}`,
      () => {
        const { passed, output } = runInNamespace('integration', file);
        expect(passed, output).toBe(true);
      },
      120_000,
    );
  });
}
