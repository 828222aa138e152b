import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type ControlServer, openControlServer } from '../../../agent/adapters/unix-control-server.ts';
import { runCli } from '../../../agent/cli/run-cli.ts';
import { verdict } from '../../../agent/cli/status-text.ts';
import { type ControlApi, createControlApi } from '../../../agent/control/control-api.ts';
import { FakeAgentControl, linkReport } from '../../fakes/fake-agent-control.ts';
import { RecordedIo } from '../../fakes/recorded-io.ts';
import { RecordingLog } from '../../fakes/recording-log.ts';

let directory: string;
let control: FakeAgentControl;
let api: ControlApi;
let server: ControlServer;
let io: RecordedIo;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'tincan-cli-'));
  control = new FakeAgentControl();
  api = createControlApi(control, new RecordingLog());
  server = await openControlServer(join(directory, 'control.sock'), api.fetch);
  io = new RecordedIo();
});

afterEach(async () => {
  api.close();
  await server.close();
  rmSync(directory, { recursive: true });
});

const run = (...args: string[]) => runCli([...args, '--socket', server.path], io);

describe('tincan doctor', () => {
  it('says of machine, agent and sensors what is so, and fails when something is wrong', async () => {
    expect(await run('doctor')).toBe(1);
    expect(io.stdout).toMatch(/^✔ datapath {2}its native part loads$/m);
    expect(io.stdout).toMatch(/^✔ broker {4}connected to mqtt:\/\/broker\.example:1883$/m);
    expect(io.stdout).toMatch(/^✖ sensors {3}http:.* does not answer on this machine itself$/m);
  });

  it('prints JSON, and says that there is no agent', async () => {
    expect(await runCli(['doctor', '--json', '--socket', join(directory, 'none.sock')], io)).toBe(1);
    const { well, findings } = JSON.parse(io.stdout) as { well: boolean; findings: { says: string }[] };
    expect(well).toBe(false);
    expect(findings.at(-1)?.says).toMatch(/start the agent/);
  });
});

describe('tincan status', () => {
  it('says first whether the device is connected', async () => {
    expect(await run('status')).toBe(0);
    expect(io.stdout.split('\n')[0]).toBe(verdict(control.report));
    expect(io.stdout).toContain('\ngreenhouse ');
    expect(io.stderr).toBe('');
  });

  it('prints the report itself as JSON', async () => {
    expect(await run('status', '--json')).toBe(0);
    expect(JSON.parse(io.stdout)).toEqual(control.report);
  });

  it('finds the socket in TINCAN_SOCKET', async () => {
    vi.stubEnv('TINCAN_SOCKET', server.path);
    expect(await runCli(['status'], io)).toBe(0);
    vi.unstubAllEnvs();
  });

  it('tells the agent’s own refusal with its reason', async () => {
    control.fault = new TypeError('inner trouble');
    expect(await run('status', '--json')).toBe(1);
    expect(JSON.parse(io.stderr)).toMatchObject({
      reason: 'internal',
      error: expect.stringContaining('inner trouble'),
    });
  });
});

describe('tincan links', () => {
  it('prints a table, or the links as JSON', async () => {
    expect(await run('links')).toBe(0);
    expect(io.stdout).toMatch(/^peer .*\ngreenhouse +10\.64\.0\.7 +up +fast host-srflx/);
    io.stdout = '';
    expect(await run('links', '--json')).toBe(0);
    expect(JSON.parse(io.stdout)).toEqual([linkReport()]);
  });
});

describe('tincan ping', () => {
  it('prints each answer and what they say together', async () => {
    control.rttsMs = [1, 2, 3];
    expect(await run('ping', 'greenhouse', '-c', '4', '-i', '0')).toBe(0);
    expect(io.stdout.split('\n')).toEqual([
      '1: greenhouse answered in 1 ms over the fast path',
      '2: greenhouse answered in 2 ms over the fast path',
      '3: greenhouse answered in 3 ms over the fast path',
      '4: no answer from greenhouse within 5 s',
      '4 sent, 3 answered, 25 % lost; round trip min 1 ms, average 2 ms, max 3 ms',
      '',
    ]);
    expect(control.asked).toEqual(Array(4).fill('ping greenhouse 5000'));
  });

  it('exits with 1 when nothing answered', async () => {
    expect(await run('ping', 'greenhouse', '-c', '2', '-i', '0', '--json')).toBe(1);
    expect(JSON.parse(io.stdout)).toEqual({
      target: 'greenhouse',
      sent: 2,
      answered: 0,
      lossPercent: 100,
      rttMs: null,
      replies: [],
    });
  });

  it('stops at once for a target that is no member', async () => {
    expect(await run('ping', 'nobody', '-i', '0')).toBe(1);
    expect(io.stderr).toBe('tincan: nobody is no member of the fleet\n');
    expect(control.asked).toHaveLength(1);
  });

  it('sums up what it has when it is interrupted', async () => {
    control.rttsMs = [7];
    const running = run('ping', 'greenhouse', '-i', '3600');
    await vi.waitFor(() => expect(io.stdout).toMatch(/^1: /), { timeout: 5000 });
    io.stop.abort();
    expect(await running).toBe(0);
    expect(io.stdout).toMatch(/\n1 sent, 1 answered, 0 % lost/);
  });
});

describe('a socket that no agent is behind', () => {
  async function answeredBy(reply: string, use: (path: string) => Promise<void>): Promise<void> {
    const path = join(directory, 'strange.sock');
    const strange: Server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.resume().end(reply);
    }).listen(path);
    await new Promise((listening) => strange.once('listening', listening));
    await use(path);
    await new Promise((closed) => strange.close(closed));
  }

  const http = (body: string, status = '200 OK') =>
    `HTTP/1.1 ${status}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`;

  it.each([
    ['no HTTP', 'SSH-2.0-OpenSSH\r\n', /cannot talk to the agent/],
    ['nothing', '', /cannot talk to the agent/],
    ['an answer cut short', http('{"version":"0.1.0"').replace('18', '999'), /cannot talk to the agent/],
    ['no JSON', http('<html>'), /is not a Tincan agent of this version/],
    ['other JSON', http('{"version":"0.1.0"}'), /is not a Tincan agent of this version/],
    ['an error without a reason', http('{}', '500 Oops'), /status 500 without a reason/],
  ])('that answers %s is told in one sentence', async (_, reply, sentence) => {
    await answeredBy(reply, async (path) => {
      expect(await runCli(['status', '--socket', path], io)).toBe(1);
      expect(io.stderr).toMatch(sentence);
      expect(io.stderr.trimEnd().split('\n')).toHaveLength(1);
    });
  });

  it('is told with what to do', async () => {
    expect(await runCli(['links', '--socket', join(directory, 'absent')], io)).toBe(1);
    expect(io.stderr).toMatch(/^tincan: there is no socket .*absent: start the agent/);
  });
});

describe('tincan broker', () => {
  it('says as JSON where it listens, serves its users, and stops when told', async () => {
    const file = join(directory, 'password');
    writeFileSync(file, 'secret\n');
    const users = ['--user', 'ada', '--password-file', file];
    const running = runCli(['broker', '--listen', '127.0.0.1:0', '--json', ...users], io);
    await vi.waitFor(() => expect(io.stdout).toMatch(/\n$/), { timeout: 5000 });
    const { event, url } = JSON.parse(io.stdout) as { event: string; url: string };
    expect(event).toBe('listening');
    const options = { username: 'ada', password: 'secret', reconnectPeriod: 0 };
    const client = await mqtt.connectAsync(url, options);
    client.on('error', () => undefined);
    await expect(mqtt.connectAsync(url, { ...options, password: 'wrong' }, false)).rejects.toMatchObject({
      code: 4,
    });
    io.stop.abort();
    expect(await running).toBe(0);
    await client.endAsync(true);
  });

  it('says to people where it listens and that it forgets', async () => {
    const running = runCli(['broker', '--listen', '127.0.0.1:0'], io);
    await vi.waitFor(() => expect(io.stderr).not.toBe(''), { timeout: 5000 });
    expect(io.stdout).toMatch(/^listening on mqtt:\/\/127\.0\.0\.1:\d+\n$/);
    expect(io.stderr).toMatch(/^Retained messages are kept in memory only/);
    io.stop.abort();
    expect(await running).toBe(0);
  });

  it('warns who opens it to everybody', async () => {
    const running = runCli(['broker', '--listen', '0.0.0.0:0'], io);
    await vi.waitFor(() => expect(io.stderr).toMatch(/Anybody who reaches this address/), { timeout: 5000 });
    io.stop.abort();
    expect(await running).toBe(0);
  });
});
