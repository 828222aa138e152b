/** Event streams, formats and refusals over real sockets, with real sensors of the machine that runs the test. */
import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { LinuxBoardFacts } from '../../../agent/adapters/board-facts.ts';
import { NodeHttpListener } from '../../../agent/adapters/http-listener.ts';
import { LinuxSysfs } from '../../../agent/adapters/sysfs.ts';
import { systemClock } from '../../../agent/adapters/system-clock.ts';
import { BUILT_IN_DRIVERS } from '../../../sensors/drivers/built-in-drivers.ts';
import { SensorService } from '../../../sensors/sensor-service.ts';
import { openService } from '../../fakes/open-service.ts';
import { RecordingLog } from '../../fakes/recording-log.ts';
import { exchange, get, open, statusOf, type Target } from './raw-http.ts';

const MEMBER = '127.64.0.9';
const ADDRESS = '127.64.0.8';
let stop = async (): Promise<void> => {};
afterEach(() => stop());

async function start(): Promise<{ target: Target; log: RecordingLog; service: SensorService }> {
  const log = new RecordingLog();
  const sysfs = new LinuxSysfs();
  const service = new SensorService({
    drivers: BUILT_IN_DRIVERS,
    sysfs,
    facts: new LinuxBoardFacts(sysfs, log),
    clock: systemClock,
    log,
    httpListener: new NodeHttpListener(),
    intervalMs: 100,
    node: { id: 'abcdefghijklmnop', name: 'greenhouse' },
    overlayNetworks: ['127.64.0.0/16'],
    clockSynchronised: () => true,
    ...openService(systemClock, log),
  });
  stop = () => service.stop();
  await service.start([ADDRESS], 0);
  const port = Number(new URL(service.report().listening[0] ?? '').port);
  return { target: { host: ADDRESS, port, from: MEMBER }, log, service };
}

const request = (path: string, headers = '', method = 'GET') =>
  `${method} ${path} HTTP/1.1\r\nHost: ${ADDRESS}\r\nConnection: close\r\n${headers}\r\n`;

/** A stream that is being received. */
function follow(target: Target, headers = '') {
  const socket = open(target);
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString();
  });
  socket.on('error', () => undefined);
  socket.write(request('/events', headers));
  return { socket, received: () => text };
}

const idsIn = (text: string) => [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));

describe('sensor streams on this machine', () => {
  it('tell of new readings as they are made, and resume where a client left', async () => {
    const { target } = await start();
    const first = follow(target);
    await expect.poll(() => idsIn(first.received()).length, { timeout: 10_000 }).toBeGreaterThan(60);
    first.socket.destroy();
    const ids = idsIn(first.received());
    expect(first.received()).toMatch(/^content-type: text\/event-stream\r$/im);
    const last = ids.at(-1) ?? 0;
    const second = follow(target, `Last-Event-ID: ${last}\r\n`);
    await expect.poll(() => idsIn(second.received()).length, { timeout: 10_000 }).toBeGreaterThan(10);
    second.socket.destroy();
    expect(idsIn(second.received()).every((id) => id > last)).toBe(true);
  });

  it('end when the service stops', async () => {
    const { target, service } = await start();
    const { socket, received } = follow(target);
    await expect.poll(() => idsIn(received()).length, { timeout: 10_000 }).toBeGreaterThan(0);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    await service.stop();
    await closed;
  });

  it('leave the other requests a connection, however many clients follow', async () => {
    const { target } = await start();
    const followers = Array.from({ length: 40 }, (_, at) =>
      follow({ ...target, from: `127.64.1.${at % 20}` }),
    );
    await expect
      .poll(() => followers.filter(({ received }) => received().includes('\r\n\r\n')).length, {
        timeout: 10_000,
      })
      .toBe(40);
    const refused = followers.filter(({ received }) => received().startsWith('HTTP/1.1 503'));
    expect(refused).toHaveLength(8);
    expect(statusOf(await exchange(target, request('/healthz')))).toBe(200);
    for (const { socket } of followers) socket.destroy();
    await expect.poll(() => followsAgain(target), { timeout: 10_000 }).toBe(true);
  });

  it('answer only for the names of this node, against DNS rebinding', async () => {
    const { target } = await start();
    const asked = async (host: string) =>
      statusOf(await exchange(target, `GET /sensors HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`));
    expect(await asked(`${ADDRESS}:${target.port}`)).toBe(200);
    expect(await asked('greenhouse')).toBe(200);
    expect(await asked('greenhouse.local:8080')).toBe(200);
    for (const host of ['evil.example', 'localhost', '127.0.0.1', '[::1]', 'greenhouse.evil.example']) {
      expect([host, await asked(host)]).toEqual([host, 421]);
    }
  });

  const promtool = spawnSync('promtool', ['--version']).status === 0;
  it.skipIf(!promtool)(
    'gives metrics that promtool has nothing against but the names of node_exporter',
    async () => {
      const { target } = await start();
      const answer = await exchange(target, request('/metrics'));
      const input = answer.slice(answer.indexOf('\r\n\r\n') + 4);
      const { stderr, stdout } = spawnSync('promtool', ['check', 'metrics'], { input, encoding: 'utf8' });
      const complaints = `${stdout}${stderr}`.split('\n').filter((line) => line !== '');
      expect(
        complaints.filter(
          (line) => !/^node_memory_\w+ metric names should be written in 'snake_case'/.test(line),
        ),
      ).toEqual([]);
    },
  );

  it('are changed in nothing by 1,000 bad requests', async () => {
    const { target, log, service } = await start();
    const { count, listening } = service.report();
    const statuses = new Map<number, number>();
    await fc.assert(
      fc.asyncProperty(badRequest, async (bytes) => {
        const status = statusOf(await exchange(target, bytes));
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        expect(status).toBeLessThan(500);
      }),
      { numRuns: 1_000 },
    );
    expect(service.report()).toMatchObject({ count, listening });
    expect(log.of('sensors.request-failed')).toEqual([]);
    expect((await get(target, '/healthz')).body).toMatchObject({ status: 'ok', sensors: count });
    expect([...statuses.values()].reduce((sum, count) => sum + count, 0)).toBe(1_000);
  });
});

/** Whether the node has a place for one more follower. */
async function followsAgain(target: Target): Promise<boolean> {
  const { socket, received } = follow(target);
  await expect.poll(received, { timeout: 10_000 }).toContain('\r\n\r\n');
  socket.destroy();
  return received().startsWith('HTTP/1.1 200');
}

const path = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '/sensors',
        '/uptime',
        '/history',
        '/value',
        '/metrics',
        '/senml',
        '/.well-known/wot',
        '/page.js',
      ),
      fc.constantFrom(
        '/..',
        '//',
        '/%',
        '/%00',
        '/%2e%2e%2f',
        '/%ff',
        '?since=',
        '?max=-1',
        '&max=9e9',
        '/__proto__',
        '\\',
      ),
      fc.constantFrom(
        '/constructor',
        '?since=9999999999s',
        '?since=1h',
        '/sensors/toString/value',
        'http://evil/',
      ),
      fc.string({ maxLength: 20 }).map((text) => encodeURIComponent(text)),
      fc.nat(6_000).map((length) => 'x'.repeat(length)),
    ),
    { maxLength: 5 },
  )
  .map((parts) => (parts[0]?.startsWith('/') ? '' : '/') + parts.join(''))
  // A followed stream does not end by itself.
  .filter((text) => !text.includes('/events'));
const header = fc.oneof(
  fc
    .tuple(
      fc.constantFrom(
        'Accept',
        'Last-Event-ID',
        'Range',
        'Origin',
        'Cookie',
        'Expect',
        'Upgrade',
        'X-HTTP-Method-Override',
        'If-None-Match',
      ),
      fc.oneof(
        fc.string({ maxLength: 60 }),
        fc.constantFrom('*/*;q=9', 'a/b;q=-1', '100-continue', 'websocket', 'bytes=0-', 'DELETE'),
      ),
    )
    .map(([name, value]) => `${name}: ${value}\r\n`),
  fc.constantFrom(
    'Content-Length: 5\r\n',
    'Content-Length: 99999999999999999999\r\n',
    'Transfer-Encoding: chunked\r\n',
    'Host: a\r\n',
  ),
  fc.nat(20_000).map((length) => `X: ${'y'.repeat(length)}\r\n`),
  fc.nat(100).map((count) => 'A: b\r\n'.repeat(count)),
);
const badRequest = fc
  .tuple(
    fc.oneof(
      { weight: 6, arbitrary: fc.constant('GET') },
      fc.constantFrom(
        'HEAD',
        'POST',
        'PUT',
        'DELETE',
        'OPTIONS',
        'TRACE',
        'CONNECT',
        'PROPFIND',
        'get',
        'X',
        '',
      ),
    ),
    path,
    fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, fc.array(header, { minLength: 1, maxLength: 3 })),
    fc.constantFrom('', '', '', '', '', '\0\0\0', '{"value":1}', 'GET / HTTP/1.1\r\n\r\n'),
  )
  .map(([method, where, headers, body]) => `${request(where, headers.join(''), method)}${body}\r\n\r\n`);
