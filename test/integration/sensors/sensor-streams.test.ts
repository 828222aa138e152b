/** Event streams, formats and refusals over real sockets, with real sensors of the machine that runs the test. */
import { spawnSync } from 'node:child_process';
import { afterEach, describe, expect, it } from 'vitest';
import { exchange, open, statusOf, type Target } from './raw-http.ts';
import { type RealService, startService } from './real-service.ts';

const ADDRESS = '127.64.0.8';
let stop = async (): Promise<void> => {};
afterEach(() => stop());

async function start(): Promise<RealService> {
  const started = await startService(ADDRESS);
  stop = () => started.service.stop();
  return started;
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

const idsIn = (text: string) => [...text.matchAll(/^id: [0-9a-f]{12}\.(\d+)$/gm)].map(([, id]) => Number(id));

describe('sensor streams on this machine', () => {
  it('tell of new readings as they are made, and resume where a client left', async () => {
    const { target } = await start();
    const first = follow(target);
    await expect.poll(() => idsIn(first.received()).length, { timeout: 10_000 }).toBeGreaterThan(60);
    first.socket.destroy();
    const ids = idsIn(first.received());
    expect(first.received()).toMatch(/^content-type: text\/event-stream\r$/im);
    const last = ids.at(-1) ?? 0;
    const run = /^id: ([0-9a-f]+)\./m.exec(first.received())?.[1];
    const second = follow(target, `Last-Event-ID: ${run}.${last}\r\n`);
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
});

/** Whether the node has a place for one more follower. */
async function followsAgain(target: Target): Promise<boolean> {
  const { socket, received } = follow(target);
  await expect.poll(received, { timeout: 10_000 }).toContain('\r\n\r\n');
  socket.destroy();
  return received().startsWith('HTTP/1.1 200');
}
