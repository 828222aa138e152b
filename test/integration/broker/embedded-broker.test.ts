import { connect as connectTcp } from 'node:net';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { afterEach, describe, expect, it } from 'vitest';
import { type EmbeddedBroker, startEmbeddedBroker } from '../../../agent/adapters/embedded-broker.ts';

const started: EmbeddedBroker[] = [];
const clients: MqttClient[] = [];

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.endAsync(true)));
  await Promise.all(started.splice(0).map((broker) => broker.close()));
});

async function start(users?: Record<string, string>): Promise<EmbeddedBroker> {
  const broker = await startEmbeddedBroker({
    host: '127.0.0.1',
    port: 0,
    ...(users ? { users: new Map(Object.entries(users)) } : {}),
  });
  started.push(broker);
  return broker;
}

/** The connected client, or the CONNACK's return code that refused it. */
function enter(broker: EmbeddedBroker, options: IClientOptions = {}): Promise<MqttClient | number> {
  const client = mqtt.connect(broker.url, { reconnectPeriod: 0, ...options });
  clients.push(client);
  return new Promise((resolve, reject) => {
    client.on('connect', () => resolve(client));
    client.on('error', (error) => ('code' in error ? resolve(Number(error.code)) : reject(error)));
  });
}

async function entered(broker: EmbeddedBroker, options?: IClientOptions): Promise<MqttClient> {
  const client = await enter(broker, options);
  if (typeof client === 'number') throw new Error(`refused with ${client}`);
  return client;
}

function nextMessage(client: MqttClient): Promise<[topic: string, text: string, retained: boolean]> {
  return new Promise((resolve) =>
    client.once('message', (topic, payload, packet) => resolve([topic, payload.toString(), packet.retain])),
  );
}

describe('the embedded broker', () => {
  it('binds a port of the kernel’s choice and carries messages, retained ones too', async () => {
    const broker = await start();
    expect(broker.url).toBe(`mqtt://127.0.0.1:${broker.port}`);
    expect(broker.port).toBeGreaterThan(0);
    const writer = await entered(broker);
    await writer.publishAsync('tincan/home/fresh', 'statement', { retain: true, qos: 1 });
    const reader = await entered(broker);
    const first = nextMessage(reader);
    await reader.subscribeAsync('tincan/home/+', { qos: 1 });
    expect(await first).toEqual(['tincan/home/fresh', 'statement', true]);
    const second = nextMessage(reader);
    await writer.publishAsync('tincan/home/x', 'live', { qos: 1 });
    expect(await second).toEqual(['tincan/home/x', 'live', false]);
  });

  it('publishes the will of a client that is cut off', async () => {
    const broker = await start();
    const reader = await entered(broker);
    await reader.subscribeAsync('gone');
    const will = { topic: 'gone', payload: Buffer.from('bye'), qos: 1 as const, retain: false };
    const dying = await entered(broker, { will });
    const message = nextMessage(reader);
    dying.stream.destroy();
    expect(await message).toEqual(['gone', 'bye', false]);
  });

  it('admits users with their password and nobody else, each with the return code of the standard', async () => {
    const broker = await start({ ada: 'right', bob: 'other' });
    expect(await enter(broker, { username: 'ada', password: 'right' })).toBeTypeOf('object');
    expect(await enter(broker, { username: 'ada', password: 'other' })).toBe(4);
    expect(await enter(broker, { username: 'ada' })).toBe(4);
    expect(await enter(broker, { username: 'eve', password: 'right' })).toBe(4);
    expect(await enter(broker, { username: '', password: '' })).toBe(4);
    expect(await enter(broker)).toBe(5);
  });

  it('hangs up on a packet beyond 256 KiB and goes on serving the others', async () => {
    const broker = await start();
    const other = await entered(broker);
    const greedy = await entered(broker);
    await greedy.publishAsync('fits', Buffer.alloc(256 * 1024 - 100), { qos: 1 });
    const closed = new Promise<void>((resolve) => greedy.once('close', () => resolve()));
    greedy.publish('too large', Buffer.alloc(300 * 1024));
    await closed;
    await other.publishAsync('still', 'here', { qos: 1 });
  });

  it('outlives garbage', async () => {
    const broker = await start();
    const garbage = [
      'GET / HTTP/1.1\r\n\r\n',
      '\x10\x00',
      '\xff\xff\xff\xff\xff',
      '\x10\x0c\x00\x04MQTT\x09',
    ];
    for (const text of garbage) {
      const socket = connectTcp(broker.port, '127.0.0.1');
      socket.on('error', () => undefined);
      const closed = new Promise((resolve) => socket.once('close', resolve));
      socket.end(Buffer.from(text, 'latin1'));
      await closed;
    }
    expect(await enter(broker)).toBeTypeOf('object');
  });

  it('closes with clients connected, and frees its port', async () => {
    const broker = await startEmbeddedBroker({ host: '127.0.0.1', port: 0 });
    const client = await entered(broker);
    const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));
    await broker.close();
    await closed;
    started.push(await startEmbeddedBroker({ host: '127.0.0.1', port: broker.port }));
  });
});

describe('an address that the broker cannot have', () => {
  it('names the cause', async () => {
    const { port } = await start();
    const attempt = (host: string, where: number) => startEmbeddedBroker({ host, port: where });
    await expect(attempt('127.0.0.1', port)).rejects.toMatchObject({
      code: 'port-in-use',
      message: expect.stringContaining(`cannot listen on 127.0.0.1:${port}: the port is in use`),
    });
    await expect(attempt('192.0.2.1', 0)).rejects.toMatchObject({ code: 'bad-address' });
    await expect(attempt('no-such-host.invalid', 0)).rejects.toMatchObject({ code: 'bad-address' });
    expect((await start()).port).toBeGreaterThan(0);
  });
});
