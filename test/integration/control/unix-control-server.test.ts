import { execFile, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openControlServer } from '../../../agent/adapters/unix-control-server.ts';
import { asOrdinaryUser } from '../../fakes/ordinary-user.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tincan-socket-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const hello = () => Response.json({ hello: true });
const fault = (code: string, sentence: RegExp) =>
  expect.objectContaining({ name: 'EnvironmentFault', code, message: expect.stringMatching(sentence) });

/** A socket file as a killed process leaves it. */
async function leaveStaleSocket(path: string): Promise<void> {
  const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  const child = spawn(process.execPath, ['-e', script]);
  await new Promise((resolve) => child.on('exit', resolve));
  expect(existsSync(path)).toBe(true);
}

describe('the control server', () => {
  it('answers curl, is open to its owner only, and takes its socket with it', async () => {
    const path = join(directory, 'new', 'directory', 'control.sock');
    const server = await openControlServer(path, hello);
    expect(server.path).toBe(path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(directory, 'new', 'directory')).mode & 0o777).toBe(0o700);
    const { stdout } = await promisify(execFile)('curl', ['-sS', '--unix-socket', path, 'http://tincan/v1']);
    expect(stdout).toBe('{"hello":true}');
    await server.close();
    expect(existsSync(path)).toBe(false);
  });

  it('replaces a socket that nobody answers on', async () => {
    const path = join(directory, 'control.sock');
    await leaveStaleSocket(path);
    const server = await openControlServer(path, hello);
    await server.close();
  });

  it('leaves a live agent alone', async () => {
    const path = join(directory, 'control.sock');
    const first = await openControlServer(path, hello);
    await expect(openControlServer(path, hello)).rejects.toEqual(
      fault('already-running', new RegExp(`another agent answers at ${path}`)),
    );
    expect(existsSync(path)).toBe(true);
    await first.close();
  });

  it('leaves a file alone that is no socket', async () => {
    const path = join(directory, 'notes.txt');
    writeFileSync(path, 'keep me');
    await expect(openControlServer(path, hello)).rejects.toEqual(
      fault('socket-path-taken', /is not a socket/),
    );
    expect(existsSync(path)).toBe(true);
  });

  it('says that a path is too long, and with how many bytes', async () => {
    const fitting = join(directory, 'x'.repeat(106 - directory.length));
    expect(Buffer.byteLength(fitting)).toBe(107);
    await (await openControlServer(fitting, hello)).close();
    await expect(openControlServer(`${fitting}y`, hello)).rejects.toEqual(
      fault('socket-path-too-long', /has 108 bytes and Linux allows 107/),
    );
  });

  it('says why it cannot make the socket', async () => {
    writeFileSync(join(directory, 'file'), '');
    await expect(openControlServer(join(directory, 'file', 'control.sock'), hello)).rejects.toEqual(
      fault('socket-not-writable', /a file stands where a directory should be/),
    );
  });

  it('says that a directory is not writable', async () => {
    chmodSync(directory, 0o500);
    await asOrdinaryUser(directory, () =>
      expect(openControlServer(join(directory, 'control.sock'), hello)).rejects.toEqual(
        fault('socket-not-writable', /permission denied/),
      ),
    );
    chmodSync(directory, 0o700);
  });

  it('leaves any other program alone that listens there', async () => {
    const path = join(directory, 'control.sock');
    const other = createServer().listen(path);
    await new Promise((resolve) => other.once('listening', resolve));
    await expect(openControlServer(path, hello)).rejects.toEqual(fault('already-running', /another agent/));
    await new Promise((resolve) => other.close(resolve));
  });
});
