/** CoAP over real sockets: with node-coap, with libcoap's client where it is installed, and with bytes. */
import { execFile, spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { promisify } from 'node:util';
import { decode } from 'cborg';
import { Agent, type IncomingMessage, type OutgoingMessage } from 'coap';
import { generate, type ParsedPacket, parse } from 'coap-packet';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { SensorService } from '../../../sensors/sensor-service.ts';
import { MOST_OBSERVATIONS_OF_ONE } from '../../../sensors/services/coap/observers.ts';
import { badDatagram } from './bad-requests.ts';
import { startService } from './real-service.ts';

const run = promisify(execFile);
const ADDRESS = '127.64.0.12';
const PORT = 25_683;
const closing: Array<() => unknown> = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function start(network = '127.0.0.0/8'): Promise<SensorService> {
  const { service } = await startService(ADDRESS, { network, other: { webSocket: false, coapPort: PORT } });
  closing.push(() => service.stop());
  return service;
}

/** What node-coap makes of the answer. */
function ask(pathname: string, options: { accept?: string; method?: 'GET' | 'PUT'; query?: string } = {}) {
  const agent = new Agent({ type: 'udp4' });
  closing.push(() => agent.close());
  const { accept, method = 'GET', query } = options;
  return new Promise<IncomingMessage>((resolve, reject) => {
    const request: OutgoingMessage = agent.request({
      hostname: ADDRESS,
      port: PORT,
      pathname,
      method,
      ...(query === undefined ? {} : { query }),
      ...(accept === undefined ? {} : { options: { Accept: accept } }),
    });
    request.on('response', resolve).on('error', reject).end();
  });
}

/** Bytes on a socket; `received` is what came back. */
function rawClient(from = '127.0.0.1') {
  const socket = createSocket('udp4');
  const received: ParsedPacket[] = [];
  socket.on('message', (message) => received.push(parse(message)));
  closing.push(() => new Promise<void>((resolve) => socket.close(resolve)));
  return new Promise<{ send(bytes: Uint8Array): Promise<void>; received: ParsedPacket[] }>((resolve) => {
    const send = (bytes: Uint8Array) =>
      new Promise<void>((sent) => socket.send(bytes, PORT, ADDRESS, () => setImmediate(sent)));
    socket.bind(0, from, () => resolve({ send, received }));
  });
}

const get = (path: string, messageId: number, options: Array<{ name: string; value: Buffer }> = []) =>
  generate({
    code: 'GET',
    confirmable: true,
    messageId,
    token: Buffer.from([messageId]),
    options: [...path.split('/').map((part) => ({ name: 'Uri-Path', value: Buffer.from(part) })), ...options],
  });
const OBSERVE = { name: 'Observe', value: Buffer.alloc(0) };

describe('CoAP with node-coap', () => {
  it('lists what there is, in link format, in as many blocks as it takes, and by filter', async () => {
    await start();
    const list = await ask('/.well-known/core');
    expect([list.code, list.headers['Content-Format']]).toEqual(['2.05', 'application/link-format']);
    expect(list.payload.length).toBeGreaterThan(1_024);
    const links = list.payload.toString().split(',<');
    expect(links[0]).toBe('</sensors>;rt="tincan.sensors";if="core.b";ct="110 112"');
    expect(links).toContain(
      '/sensors/load-1m>;rt="tincan.load";if="core.s";title="Load average over 1 min";ct="110 112 50 0";obs',
    );
    const some = await ask('/.well-known/core', { query: 'rt=tincan.load' });
    expect(some.payload.toString().match(/<[^>]*>/g)).toEqual([
      '</sensors/load-1m>',
      '</sensors/load-5m>',
      '</sensors/load-15m>',
    ]);
  });

  it('reads sensors as SenML in JSON and CBOR', async () => {
    const service = await start();
    const json = await ask('/sensors/uptime');
    expect(json.headers['Content-Format']).toBe('application/senml+json');
    expect(JSON.parse(json.payload.toString())).toEqual([
      {
        bn: 'abcdefghijklmnop/',
        bt: expect.any(Number),
        n: 'uptime',
        u: 's',
        v: expect.any(Number),
        t: expect.any(Number),
      },
    ]);
    const cbor = await ask('/sensors/uptime', { accept: 'application/senml+cbor' });
    const [record] = decode(cbor.payload, { useMaps: true }) as Array<Map<number, unknown>>;
    expect([record?.get(0), record?.get(1)]).toEqual(['uptime', 's']);
    const all = await ask('/sensors');
    expect(JSON.parse(all.payload.toString()).length).toBeGreaterThan(service.report().count / 2);
  });

  it('refuses what it does not have, cannot do or cannot say, with a sentence', async () => {
    await start();
    expect((await ask('/nothing')).code).toBe('4.04');
    expect((await ask('/sensors/nothing')).code).toBe('4.04');
    expect((await ask('/sensors', { accept: 'application/json' })).code).toBe('4.06');
    const put = await ask('/sensors/uptime', { method: 'PUT' });
    expect([put.code, put.payload.toString()]).toEqual(['4.05', 'sensors can only be read: ask with GET']);
  });

  it('tells an observer of new values', async () => {
    const service = await start();
    const agent = new Agent({ type: 'udp4' });
    closing.push(() => agent.close());
    const values: number[] = [];
    const stream = await new Promise<IncomingMessage & { close?(): void }>((resolve) => {
      const request = agent.request({
        hostname: ADDRESS,
        port: PORT,
        pathname: '/sensors/uptime',
        observe: true,
      });
      request.on('response', resolve).end();
    });
    stream.on('data', (payload: Buffer) => values.push(JSON.parse(payload.toString())[0].v));
    await expect.poll(() => values.length, { timeout: 20_000 }).toBeGreaterThanOrEqual(3);
    expect([...values].sort((one, other) => one - other)).toEqual(values);
    expect(service.report().listening).toContain(`coap://${ADDRESS}:${PORT}/`);
  });
});

describe('CoAP byte for byte', () => {
  it('answers a ping with a reset, and a confirmable request in its acknowledgement', async () => {
    await start();
    const { send, received } = await rawClient();
    await send(generate({ code: '0.00', confirmable: true, messageId: 77 }));
    await send(get('sensors/uptime', 78));
    await expect.poll(() => received.length, { timeout: 10_000 }).toBe(2);
    expect(received[0]).toMatchObject({ reset: true, messageId: 77, code: '0.00' });
    expect(received[1]).toMatchObject({ ack: true, messageId: 78, code: '2.05', token: Buffer.from([78]) });
  });

  it('gives blocks of one moment, of the size that was asked for', async () => {
    await start();
    const { send, received } = await rawClient();
    const bodies: Buffer[] = [];
    const etags = new Set<string>();
    for (let number = 0; ; number++) {
      await send(
        get('sensors', number, [
          { name: 'Block2', value: Buffer.from([number >> 4, ((number & 15) << 4) | 2]) },
        ]),
      );
      await expect.poll(() => received.length, { timeout: 10_000 }).toBe(number + 1);
      const { options, payload } = received[number] ?? { options: [], payload: Buffer.alloc(0) };
      bodies.push(payload);
      etags.add(options.find(({ name }) => name === 'ETag')?.value.toString('hex') ?? '');
      const block =
        options.find(({ name }) => name === 'Block2')?.value.readUIntBE(0, number < 16 ? 1 : 2) ?? 0;
      expect([block >> 4, block & 7]).toEqual([number, 2]);
      if ((block & 8) === 0) break;
      expect(payload).toHaveLength(64);
    }
    expect(etags.size).toBe(1);
    expect(JSON.parse(Buffer.concat(bodies).toString()).length).toBeGreaterThan(5);
  });

  it('does not understand some critical options, and is no proxy', async () => {
    await start();
    const { send, received } = await rawClient();
    await send(get('sensors', 1, [{ name: 'If-Match', value: Buffer.from('x') }]));
    await send(get('sensors', 2, [{ name: '2053', value: Buffer.from('x') }]));
    await send(get('sensors', 3, [{ name: 'Proxy-Uri', value: Buffer.from('coap://evil.example/') }]));
    await expect
      .poll(() => received.map(({ code }) => code), { timeout: 10_000 })
      .toEqual(['4.02', '4.02', '5.05']);
  });

  it('ends an observation on reset, on deregistration, and when nobody acknowledges', async () => {
    const service = await start();
    const { send, received } = await rawClient();
    await send(get('sensors/uptime', 5, [OBSERVE]));
    await expect.poll(() => received.length, { timeout: 10_000 }).toBe(2);
    expect(received[1]).toMatchObject({ ack: false, confirmable: false, token: Buffer.from([5]) });
    await send(generate({ code: '0.00', reset: true, messageId: received[1]?.messageId ?? 0 }));
    await send(get('sensors/uptime', 6, [OBSERVE]));
    await send(get('sensors/uptime', 6, [{ name: 'Observe', value: Buffer.from([1]) }]));
    await expect.poll(() => received.length, { timeout: 10_000 }).toBe(4);
    const last = received.at(-1)?.options.map(({ name }) => name);
    expect(last).not.toContain('Observe');
    expect(service.report().count).toBeGreaterThan(0);
  });

  it('has a bounded number of places for observers, and answers the others without', async () => {
    await start();
    const { send, received } = await rawClient();
    const registered = () =>
      received.filter(({ ack, options }) => ack && options.some(({ name }) => name === 'Observe')).length;
    for (let number = 0; number < MOST_OBSERVATIONS_OF_ONE + 4; number++) {
      await send(get('sensors/machine-architecture', number, [OBSERVE]));
    }
    await send(get('sensors/uptime', 200));
    await expect
      .poll(() => received.some(({ messageId }) => messageId === 200), { timeout: 10_000 })
      .toBe(true);
    expect(registered()).toBeLessThanOrEqual(MOST_OBSERVATIONS_OF_ONE);
  });

  it('says nothing to a stranger, whatever he sends', async () => {
    await start('127.99.0.0/16');
    const stranger = await rawClient();
    const member = await rawClient('127.99.0.1');
    await stranger.send(get('sensors', 1));
    await member.send(get('sensors', 2));
    await expect.poll(() => member.received.length, { timeout: 10_000 }).toBe(1);
    expect(stranger.received).toEqual([]);
  });

  it('is changed in nothing by bad datagrams', async () => {
    const service = await start();
    const { send, received } = await rawClient();
    await fc.assert(
      fc.asyncProperty(badDatagram, async (bytes) => send(bytes)),
      { numRuns: 2_000 },
    );
    // It may have used up its rate.
    const asked = async () => {
      await send(get('sensors/uptime', 250));
      return received.some(({ messageId, code }) => messageId === 250 && code === '2.05');
    };
    await expect.poll(asked, { timeout: 20_000, interval: 200 }).toBe(true);
    expect(service.report().count).toBeGreaterThan(0);
  });
});

const program = ['coap-client-notls', 'coap-client'].find((name) => !spawnSync(name, ['-h']).error);

describe.skipIf(program === undefined)('CoAP with coap-client (libcoap; Debian package libcoap3-bin)', () => {
  const client = async (...args: string[]) => (await run(program ?? '', args, { encoding: 'buffer' })).stdout;
  const url = (path: string) => `coap://${ADDRESS}:${PORT}${path}`;

  it('lists, reads both forms, and fetches a list in blocks', async () => {
    await start();
    const list = await client('-m', 'get', url('/.well-known/core'));
    expect(list.toString()).toContain('</sensors/uptime>');
    const json = await client('-m', 'get', '-A', '110', url('/sensors/uptime'));
    expect(JSON.parse(json.toString())).toMatchObject([{ n: 'uptime', u: 's' }]);
    // The program ends what it prints with a line break.
    const cbor = await client('-m', 'get', '-A', '112', url('/sensors/uptime'));
    expect(decode(cbor.subarray(0, -1), { useMaps: true })).toHaveLength(1);
    for (const size of ['1024', '64']) {
      const all = await client('-m', 'get', '-A', '110', '-b', size, url('/sensors'));
      expect(JSON.parse(all.toString()).length).toBeGreaterThan(5);
    }
  });

  it('observes', async () => {
    await start();
    const observing = spawn(program ?? '', ['-m', 'get', '-A', '0', '-s', '4', '-w', url('/sensors/uptime')]);
    let text = '';
    observing.stdout.on('data', (chunk) => {
      text += chunk;
    });
    await new Promise((resolve) => observing.once('close', resolve));
    const values = text.trim().split(/\s+/).map(Number);
    expect(values.length).toBeGreaterThanOrEqual(3);
    expect(values.every((value) => value > 0)).toBe(true);
  });
});
