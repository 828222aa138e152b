import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

const root = new URL('../../..', import.meta.url).pathname;
let directory: string;
let program: string;

/** This is about the process, so an agent stands in that says when it is loaded, and never stops by itself. */
const STUBBORN_AGENT = `
  process.stderr.write('agent loaded\\n');
  export async function runAgent(options, io) {
    if (options.tapName === 'bug') throw new TypeError('undefined is not an agent');
    io.out('running\\n');
    io.signal.addEventListener('abort', () => io.out('told to stop\\n'));
    setInterval(() => undefined, 1000);
    await new Promise(() => undefined);
  }
`;

const standIn: Plugin = {
  name: 'stand-in',
  setup(bundler) {
    bundler.onLoad({ filter: /agent\/compose\.ts$/ }, () => ({ contents: STUBBORN_AGENT }));
    bundler.onResolve({ filter: /\/compose\.ts$/ }, () => ({ path: `${root}agent/compose.ts` }));
  },
};

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'tincan-process-'));
  program = join(directory, 'tincan.mjs');
  await build({
    absWorkingDir: root,
    entryPoints: ['agent/main.ts'],
    outfile: program,
    bundle: true,
    format: 'esm',
    platform: 'node',
    external: ['node-datachannel', '*.node', '*/fleet.ts'],
    plugins: [standIn],
    define: { TINCAN_VERSION: '"9.8.7"' },
    banner: { js: "import { createRequire as c } from 'node:module'; const require = c(import.meta.url);" },
    logLevel: 'error',
  });
});

afterAll(() => rmSync(directory, { recursive: true }));

interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

function start(...args: string[]): {
  child: ChildProcess;
  ended: Promise<Ended>;
  spoken: Promise<void>;
  said: () => string;
} {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  const spoken = new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
      resolve();
    });
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const ended = new Promise<Ended>((resolve) =>
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr })),
  );
  return { child, ended, spoken, said: () => stdout };
}

const BROKER = ['broker', '--listen', '127.0.0.1:0'];

describe('the process', () => {
  it('has the bundler’s version', async () => {
    expect(await start('--version').ended).toMatchObject({ code: 0, stdout: '9.8.7\n', stderr: '' });
  });

  it('exits with 2 for a wrong usage and 1 for a failure, with one sentence', async () => {
    expect(await start('nope').ended).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^tincan: .*\n$/),
    });
    expect(await start('status', '--socket', '/nonexistent').ended).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^tincan: there is no socket \/nonexistent.*\n$/),
    });
  });

  it('tells a bug with its stack and exits with 70', async () => {
    const ended = await start('agent', '--state', directory, '--tap-name', 'bug').ended;
    expect(ended.code).toBe(70);
    expect(ended.stderr).toMatch(
      /TypeError: undefined is not an agent\n +at .*This is a bug of tincan 9\.8\.7\.\n$/s,
    );
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('ends cleanly with %s', async (signal) => {
    const { child, ended, spoken } = start(...BROKER);
    await spoken;
    child.kill(signal);
    expect(await ended).toMatchObject({ code: 0, signal: null });
  });

  it('ends at once with a second signal, and says by which', async () => {
    const { child, ended, spoken, said } = start('agent', '--state', directory);
    await spoken;
    child.kill('SIGINT');
    await vi.waitFor(() => expect(said()).toBe('running\ntold to stop\n'), { timeout: 5000 });
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ code: 143, signal: null });
  });

  it('says nothing when it is interrupted while it waits for an answer', async () => {
    const path = join(directory, 'mute.sock');
    const mute = createServer((socket) => socket.resume()).listen(path);
    const asked = new Promise((connected) => mute.once('connection', connected));
    const { child, ended } = start('status', '--socket', path);
    await asked;
    child.kill('SIGINT');
    expect(await ended).toMatchObject({ code: 130, stdout: '', stderr: '' });
    await new Promise((closed) => mute.close(closed));
  });

  it('is quiet when its reader has gone', () => {
    const command = `"${process.execPath}" "${program}" --help | true; echo "\${PIPESTATUS[0]}"`;
    const output = execFileSync('bash', ['-c', `${command} 2>&1`], { encoding: 'utf8' });
    expect(output).toBe('0\n');
  });

  it('loads the agent for who runs one only', async () => {
    expect(await start('--help').ended).toMatchObject({ code: 0, stderr: '' });
    expect(await start('agent', '--help').ended).toMatchObject({ code: 0, stderr: '' });
  });
});
