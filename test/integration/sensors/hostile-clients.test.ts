/**
 * A node with all its services, 1,000 bad requests on each of them, and meanwhile a client on each that does not read what
 * it asked for: the sensors are sampled as before, and a member who behaves is served.
 */
import { createSocket } from 'node:dgram';
import { generate, parse } from 'coap-packet';
import fc from 'fast-check';
import { afterEach, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { ScriptedSensor } from '../../fakes/scripted-sensor.ts';
import { badDatagram, badRequest, badSocket } from './bad-requests.ts';
import { exchange, get, open, statusOf, type Target } from './raw-http.ts';
import { MEMBER, startService } from './real-service.ts';

const ADDRESS = '127.64.0.14';
const COAP_PORT = 25_684;
const INTERVAL_MS = 100;
const ATTACKER = '127.64.0.66';
const SLOW = '127.64.0.67';
const UPGRADE =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
const closing: Array<() => unknown> = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function start() {
  const sensor = new ScriptedSensor('greenhouse-air', INTERVAL_MS);
  const drivers = [{ kind: 'scripted', discover: async () => [sensor] }];
  const started = await startService(ADDRESS, { drivers, other: { coapPort: COAP_PORT } });
  closing.push(() => started.service.stop());
  return started;
}

/** A UDP socket of one client. */
async function udp(address: string) {
  const socket = createSocket('udp4');
  closing.push(() => new Promise<void>((resolve) => socket.close(resolve)));
  const codes: string[] = [];
  socket.on('message', (message) => codes.push(parse(message).code));
  await new Promise<void>((resolve) => socket.bind(0, address, resolve));
  const send = (bytes: Uint8Array) =>
    // Not at once: the node has to come to reading, or the kernel drops what is too much.
    new Promise<void>((sent) => socket.send(bytes, COAP_PORT, ADDRESS, () => setImmediate(sent)));
  return { send, codes };
}

const coapGet = (messageId: number, observe = false) =>
  generate({
    code: 'GET',
    confirmable: true,
    messageId,
    token: Buffer.from([messageId]),
    options: [
      { name: 'Uri-Path', value: Buffer.from('sensors') },
      { name: 'Uri-Path', value: Buffer.from('greenhouse-air') },
      ...(observe ? [{ name: 'Observe' as const, value: Buffer.alloc(0) }] : []),
    ],
  });

/** On each service one that asks, and then reads nothing, acknowledges nothing, or never ends what it says. */
async function stall(target: Target): Promise<void> {
  const from = { ...target, from: SLOW };
  const heads = [
    `GET /events HTTP/1.1\r\nHost: greenhouse.local\r\n\r\n`,
    `GET /ws HTTP/1.1\r\nHost: greenhouse.local\r\n${UPGRADE}\r\n`,
    'GET /sensors HTTP/1.1\r\nHost: greenh',
    `PUT /actuators/x HTTP/1.1\r\nHost: greenhouse.local\r\nContent-Length: 900\r\n\r\n{`,
  ];
  for (const head of heads) {
    const socket = open(from);
    closing.push(() => socket.destroy());
    socket.on('error', () => undefined);
    socket.pause();
    socket.write(head);
  }
  await (await udp(SLOW)).send(coapGet(1, true));
}

/** How the bad requests of one service ended, by status. */
const counted = () => {
  const counts: Record<string, number> = {};
  const add = (what: string | number) => {
    counts[what] = (counts[what] ?? 0) + 1;
  };
  return { counts, add };
};

async function attackByHttp(target: Target) {
  const { counts, add } = counted();
  const property = fc.asyncProperty(badRequest, async (bytes) => {
    const status = statusOf(await exchange(target, bytes));
    add(status);
    expect(status).toBeLessThan(500);
  });
  await fc.assert(property, { numRuns: 1_000 });
  return counts;
}

async function attackBySocket(target: Target) {
  const { counts, add } = counted();
  const property = fc.asyncProperty(badSocket, async ({ head, frames }) => {
    const status = statusOf(await exchange(target, `${head}${frames.toString('latin1')}`, true));
    add(status);
    expect(status).toBeLessThan(500);
  });
  await fc.assert(property, { numRuns: 1_000 });
  return counts;
}

async function attackByCoap() {
  const { send, codes } = await udp(ATTACKER);
  await fc.assert(fc.asyncProperty(badDatagram, send), { numRuns: 1_000 });
  await expect.poll(() => codes.length, { timeout: 10_000 }).toBeGreaterThan(100);
  const { counts, add } = counted();
  for (const code of codes) add(code);
  return counts;
}

it('nothing is changed by 1,000 bad requests on each service, and by clients that stall', async () => {
  const { target, service, log } = await start();
  const { count, listening } = service.report();
  const attacker = { ...target, from: ATTACKER };
  await stall(target);
  const seq = async () => ((await get(target, '/sensors/greenhouse-air')).body as { seq: number }).seq;
  const before = await seq();
  const startedMs = performance.now();
  const [http, webSocket, coap] = await Promise.all([
    attackByHttp(attacker),
    attackBySocket(attacker),
    attackByCoap(),
  ]);
  const rounds = (performance.now() - startedMs) / INTERVAL_MS;
  process.stdout.write(`  1,000 bad requests each: ${JSON.stringify({ http, webSocket, coap })}\n`);
  // Half of the readings: the machine that runs the test has other work too.
  expect((await seq()) - before).toBeGreaterThan(rounds / 2 - 1);
  expect(service.report()).toMatchObject({ count, listening, stale: 0 });
  expect(log.of('sensors.request-failed')).toEqual([]);
  expect(log.of('coap.request-failed')).toEqual([]);
  expect(statusOf(await exchange(target, 'GET /healthz HTTP/1.0\r\nHost: greenhouse.local\r\n\r\n'))).toBe(
    200,
  );
  const socket = new WebSocket(`ws://${ADDRESS}:${target.port}/ws`, { localAddress: MEMBER });
  closing.push(() => socket.terminate());
  const first = await new Promise((resolve) => socket.once('message', (data) => resolve(String(data))));
  expect(JSON.parse(String(first))).toMatchObject({ event: 'reading' });
  const member = await udp(MEMBER);
  await member.send(coapGet(2));
  await expect.poll(() => member.codes, { timeout: 10_000 }).toEqual(['2.05']);
}, 180_000);
