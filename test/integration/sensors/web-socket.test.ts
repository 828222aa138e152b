/** `/ws` over real sockets: with the library `ws` as a client, with Node's own, and with bytes. */
import { request } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { exchange, open, statusOf, type Target } from './raw-http.ts';
import { MEMBER, type RealService, startService } from './real-service.ts';

const ADDRESS = '127.64.0.10';
const closing: Array<() => unknown> = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function start(webSocket = true): Promise<RealService> {
  const started = await startService(ADDRESS, { other: { webSocket } });
  closing.push(() => started.service.stop());
  return started;
}

interface Told {
  event: string;
  id: string | null;
  data: { id: string; seq: number };
}

/** 42 in `3f9c02ab17de.42`. */
function numberIn(id: string): number {
  return Number(id.split('.')[1]);
}

/** A WebSocket that is followed; `refused` is the status of the answer that came instead. */
function follow({ host, port, from }: Target, path = '/ws', headers: Record<string, string> = {}) {
  const socket = new WebSocket(`ws://${host}:${port}${path}`, { headers, localAddress: from });
  closing.push(() => socket.terminate());
  const told: Told[] = [];
  const state = { closedWith: null as number | null, refused: null as number | null };
  socket.on('message', (data) => told.push(JSON.parse(String(data))));
  socket.on('error', () => undefined);
  socket.on('close', (code) => {
    state.closedWith = code;
  });
  socket.on('unexpected-response', (_, answer) => {
    state.refused = answer.statusCode ?? 0;
    answer.resume();
  });
  return { socket, told, state };
}

const UPGRADE =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';

describe('WebSocket of readings', () => {
  it('tells what the event stream tells, and resumes by ?since= and by Last-Event-ID', async () => {
    const { target } = await start();
    const { told, socket } = follow(target);
    await expect.poll(() => told.length, { timeout: 10_000 }).toBeGreaterThan(60);
    socket.terminate();
    const last = told.at(-1)?.id ?? '';
    expect(
      told.every(({ event, id, data }) => event === 'reading' && (id === null || data.seq <= numberIn(id))),
    ).toBe(true);
    for (const resumed of [
      follow(target, `/ws?since=${last}`),
      follow(target, '/ws', { 'last-event-id': last }),
    ]) {
      await expect.poll(() => resumed.told.length, { timeout: 10_000 }).toBeGreaterThan(10);
      expect(resumed.told.every(({ id }) => id === null || numberIn(id) > numberIn(last))).toBe(true);
    }
  });

  it('ends when the service stops', async () => {
    const { target, service } = await start();
    const { told, state } = follow(target);
    await expect.poll(() => told.length, { timeout: 10_000 }).toBeGreaterThan(0);
    await service.stop();
    await expect.poll(() => state.closedWith, { timeout: 10_000 }).not.toBeNull();
  });

  it("opens for this node's own pages and for programs, and for no other site's page", async () => {
    const { target } = await start();
    for (const origin of [`http://${ADDRESS}:${target.port}`, 'http://greenhouse.local']) {
      const { told } = follow(target, '/ws', { origin });
      await expect.poll(() => told.length, { timeout: 10_000 }).toBeGreaterThan(0);
    }
    for (const origin of ['http://evil.example', 'null', 'https://localhost']) {
      const { state } = follow(target, '/ws', { origin });
      await expect.poll(() => state.refused, { timeout: 10_000 }).toBe(403);
    }
    const rebound = `GET /ws HTTP/1.1\r\nHost: evil.example\r\n${UPGRADE}\r\n`;
    expect(statusOf(await exchange(target, rebound))).toBe(421);
  });

  it('has as many places as the event stream, in all, and says so', async () => {
    const { target } = await start();
    const followers = Array.from({ length: 40 }, (_, at) =>
      follow({ ...target, from: `127.64.1.${at % 20}` }),
    );
    await expect
      .poll(() => followers.filter(({ told, state }) => told.length > 0 || state.refused !== null).length, {
        timeout: 10_000,
      })
      .toBe(40);
    expect(followers.filter(({ state }) => state.refused === 503)).toHaveLength(8);
    for (const { socket } of followers) socket.terminate();
    await expect
      .poll(
        async () => {
          const again = follow(target);
          await new Promise((resolve) => again.socket.once('message', resolve).once('close', resolve));
          return again.told.length;
        },
        { timeout: 10_000 },
      )
      .toBeGreaterThan(0);
  });

  it('cuts a client that talks, and one that never reads', async () => {
    const { target, service } = await start();
    const talker = follow(target);
    talker.socket.on('open', () => talker.socket.send('hello'));
    await expect.poll(() => talker.state.closedWith, { timeout: 10_000 }).toBe(1008);
    const long = follow(target);
    long.socket.on('open', () => long.socket.send('x'.repeat(126)));
    await expect.poll(() => long.state.closedWith, { timeout: 10_000 }).toBe(1009);
    const flooder = open(target);
    flooder.on('error', () => undefined);
    const cut = new Promise((resolve) => flooder.once('close', resolve));
    flooder.write(`GET /ws HTTP/1.1\r\nHost: ${ADDRESS}\r\n${UPGRADE}\r\n`);
    const ping = Buffer.from(
      Array.from({ length: 2_000 }, () => [0x89, 0x80 | 4, 0, 0, 0, 0, 1, 2, 3, 4]).flat(),
    );
    flooder.pause();
    const more = () => {
      while (!flooder.destroyed && flooder.write(ping));
    };
    flooder.on('drain', more);
    more();
    await cut;
    expect(service.report().count).toBeGreaterThan(0);
  });

  it('does not get in the way of clients that offer HTTP/2, and answers the rest in plain HTTP', async () => {
    const { target } = await start();
    const h2c =
      'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n';
    const asked = async (head: string, path = '/healthz') =>
      statusOf(await exchange(target, `GET ${path} HTTP/1.1\r\nHost: ${ADDRESS}\r\n${head}\r\n`));
    expect(await asked(h2c)).toBe(200);
    expect(await asked('Connection: close\r\n', '/ws')).toBe(426);
    expect(await asked(UPGRADE)).toBe(200);
    expect(await asked(UPGRADE.replace('13', '12'), '/ws')).toBe(400);
    const status = await new Promise((resolve) => {
      const [host, port] = [target.host, target.port];
      const asking = request({
        host,
        port,
        path: '/ws',
        method: 'POST',
        localAddress: MEMBER,
        headers: { connection: 'upgrade', upgrade: 'websocket' },
      });
      asking
        .on('response', (answer) => resolve(answer.resume().statusCode))
        .on('error', resolve)
        .end();
    });
    expect(status).toBe(405);
  });

  it('is not there where the config switches it off', async () => {
    const { target } = await start(false);
    const answer = await exchange(
      target,
      `GET /ws HTTP/1.1\r\nHost: ${ADDRESS}\r\n${UPGRADE.replace('Upgrade\r\n', 'Upgrade, close\r\n')}\r\n`,
    );
    expect(statusOf(answer)).toBe(404);
  });
});
