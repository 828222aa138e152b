import { generate, type NamedOption, type ParsedPacket, parse } from 'coap-packet';
import { describe, expect, it } from 'vitest';
import type { DatagramEndpoint, DatagramOptions } from '../../../../agent/ports/datagram.ts';
import { CoapService } from '../../../../sensors/services/coap/coap-service.ts';
import { linkFormat } from '../../../../sensors/services/coap/link-format.ts';
import { MOST_OBSERVATIONS_OF_ONE } from '../../../../sensors/services/coap/observers.ts';
import { ScriptedActuator } from '../../../fakes/scripted-actuator.ts';
import { type ServedOptions, served, thermometer } from './served-sensors.ts';

const CLIENT: DatagramEndpoint = { address: '10.64.0.9', port: 40_000 };
const SENSOR = ['sensors', 'greenhouse-air'];
const OBSERVE = { name: 'Observe', value: Buffer.alloc(0) } as const;

async function coap(options: ServedOptions = {}) {
  const sensor = thermometer();
  const all = await served([sensor], options);
  const received: Array<{ packet: ParsedPacket; to: DatagramEndpoint }> = [];
  let socket: DatagramOptions | null = null;
  const { services, actuators, gate, clock, log } = all;
  const service = new CoapService({
    ...services,
    actuators,
    gate,
    clock,
    log,
    random: () => 0.5,
    admits: (address) => address.startsWith('10.64.'),
    sockets: {
      bind: async (bound) => {
        socket = bound;
        const { address, port } = bound;
        return {
          address,
          port,
          send: (bytes, to) => received.push({ packet: parse(Buffer.from(bytes)), to }),
          close: async () => undefined,
        };
      },
    },
  });
  await service.listen(['10.64.0.7'], 5683);
  const hear = (bytes: Uint8Array, from = CLIENT) => (socket as DatagramOptions | null)?.receive(bytes, from);
  let messageId = 0;
  const ask = async (path: string[], more: Partial<Parameters<typeof generate>[0]> = {}, from = CLIENT) => {
    const { options: extra = [], ...rest } = more;
    const asked = [
      ...path.map((part): NamedOption => ({ name: 'Uri-Path', value: Buffer.from(part) })),
      ...extra,
    ];
    messageId++;
    const packet = { code: 'GET', confirmable: true, messageId, token: Buffer.from([messageId]), ...rest };
    hear(generate({ ...packet, options: asked }), from);
    await clock.settle();
    return received.at(-1)?.packet;
  };
  const told = () => received.splice(0).map(({ packet }) => packet);
  return { ...all, sensor, service, hear, ask, told, received };
}

describe('observations by CoAP', () => {
  it('tell new values without asking for an answer, and once a minute ask for one', async () => {
    const { ask, told, sensor, clock, hear } = await coap();
    await ask(SENSOR, { options: [OBSERVE] });
    expect(told()[0]?.options.map(({ name }) => name)).toContain('Observe');
    for (let second = 0; second < 180; second++) {
      sensor.answer = second;
      await clock.advance(1_000);
      const asking = told().filter(({ confirmable }) => confirmable);
      expect(asking.length).toBeLessThanOrEqual(1);
      for (const { messageId } of asking) hear(generate({ code: '0.00', ack: true, messageId }));
    }
    sensor.answer = 21.5;
    await clock.advance(3_000);
    expect(JSON.parse(told().at(-1)?.payload.toString() ?? '')[0]).toMatchObject({ v: 21.5 });
  });

  it('end when nobody acknowledges, with the newest state at each try', async () => {
    const { ask, told, clock, service, sensor } = await coap();
    await ask(SENSOR, { options: [OBSERVE] });
    await clock.advance(50_000);
    told();
    const values: number[] = [];
    for (let second = 0; second < 200; second++) {
      sensor.answer = second;
      await clock.advance(1_000);
      for (const { confirmable, payload } of told())
        if (confirmable) values.push(JSON.parse(payload.toString())[0].v);
    }
    expect(values.length).toBeGreaterThanOrEqual(4);
    expect(values.length).toBeLessThanOrEqual(5);
    expect(new Set(values).size).toBe(values.length);
    expect(service.observations).toBe(0);
  });

  it('end on reset, at once', async () => {
    const { ask, told, clock, service, sensor, hear } = await coap();
    await ask(SENSOR, { options: [OBSERVE] });
    sensor.answer = 22;
    await clock.advance(3_000);
    const { messageId = 0 } = told().at(-1) ?? {};
    hear(generate({ code: '0.00', reset: true, messageId }), { ...CLIENT, port: 40_001 });
    expect(service.observations).toBe(1);
    hear(generate({ code: '0.00', reset: true, messageId }));
    expect(service.observations).toBe(0);
  });

  it('end with 4.03 when the client loses the tag that it reads with, and for nobody else', async () => {
    const { ask, told, clock, service, readers } = await coap({
      policy: { read: ['dashboard'], command: [] },
    });
    const other = { address: '10.64.0.10', port: 40_000 };
    readers.give(CLIENT.address, 'dashboard').give(other.address, 'dashboard');
    await ask(SENSOR, { options: [OBSERVE] });
    await ask(SENSOR, { options: [OBSERVE] }, other);
    readers.give(CLIENT.address);
    told();
    await clock.advance(5_000);
    expect(told().filter(({ code }) => code === '4.03')).toHaveLength(1);
    expect(service.observations).toBe(1);
  });

  it('tell what an actuator was set to', async () => {
    const { ask, told, clock, actuators, readers } = await coap({ actuators: [new ScriptedActuator()] });
    readers.give(CLIENT.address, 'operator');
    await ask(['actuators', 'output-pump'], { options: [OBSERVE] });
    const [registered] = told();
    expect(registered?.options.map(({ name }) => name)).toContain('Observe');
    expect(JSON.parse(registered?.payload.toString() ?? '')).toMatchObject({ value: false });
    await actuators.command('output-pump', { value: true }, readers.at(CLIENT.address), 'http');
    await clock.advance(1_000);
    expect(JSON.parse(told().at(-1)?.payload.toString() ?? '')).toMatchObject({
      value: true,
      cause: 'command',
    });
  });

  it('have a bounded number of places', async () => {
    const { ask, service } = await coap();
    const asked = async (count: number, address: string) => {
      for (let at = 0; at < count; at++)
        await ask(SENSOR, { options: [OBSERVE] }, { address, port: 1_000 + at });
    };
    await asked(MOST_OBSERVATIONS_OF_ONE + 6, '10.64.0.9');
    expect(service.observations).toBe(MOST_OBSERVATIONS_OF_ONE);
    await asked(20, '10.64.0.10');
    expect(service.observations).toBe(32);
    await service.close();
    expect(service.observations).toBe(0);
  });
});

describe('who may what by CoAP', () => {
  it('is refused by policy and rate as everywhere, and strangers hear nothing', async () => {
    const { ask, received } = await coap({ policy: { read: ['dashboard'], command: [] } });
    expect(await ask(SENSOR)).toMatchObject({ code: '4.03' });
    const before = received.length;
    await ask(SENSOR, {}, { address: '192.168.1.9', port: 1 });
    expect(received.length).toBe(before);
    const often = await coap({ requestsPerSecond: 1 });
    const codes = [];
    for (let count = 0; count < 5; count++) codes.push((await often.ask(SENSOR))?.code);
    expect(codes).toEqual(['2.05', '2.05', '2.05', '4.29', '4.29']);
  });

  it('sets an actuator where he may, once for each message', async () => {
    const pump = new ScriptedActuator();
    const { ask, readers } = await coap({ actuators: [pump] });
    const put = { code: 'PUT', payload: Buffer.from('{"value": true}') } as const;
    expect(await ask(['actuators', 'output-pump'], put)).toMatchObject({ code: '4.03' });
    readers.give(CLIENT.address, 'operator');
    const done = await ask(['actuators', 'output-pump'], put);
    expect(done).toMatchObject({ code: '2.04' });
    expect(JSON.parse(done?.payload.toString() ?? '')).toMatchObject({ value: true });
    await ask(['actuators', 'output-pump'], { ...put, messageId: done?.messageId ?? 0 });
    expect(pump.done.filter((what) => what === 'write true')).toHaveLength(1);
    expect(await ask(['actuators', 'output-pump'], { ...put, payload: Buffer.from('{') })).toMatchObject({
      code: '4.00',
    });
    expect(await ask(['actuators', 'nothing'], put)).toMatchObject({ code: '4.04' });
    const cbor = [{ name: 'Content-Format', value: Buffer.from([60]) }] as const;
    expect(await ask(['actuators', 'output-pump'], { ...put, options: [...cbor] })).toMatchObject({
      code: '4.15',
    });
    expect(JSON.parse((await ask(['actuators', 'output-pump']))?.payload.toString() ?? '')).toMatchObject({
      value: true,
    });
  });
});

describe('link format', () => {
  const links = [
    { path: '/sensors', attributes: { rt: 'a b', obs: null } },
    { path: '/sensors/x', attributes: { rt: 'c', title: 'say "x"' } },
  ];

  it.each([
    ['', 2],
    ['rt=b', 1],
    ['rt=a*', 1],
    ['href=/sensors*', 2],
    ['rt=z', 0],
    ['title=x', 0],
  ])('is filtered by %j', (query, count) => {
    const text = linkFormat(links, query === '' ? [] : [query]);
    expect(text === '' ? 0 : text.split(',').length).toBe(count);
  });

  it('lets no name end its own quotes', () => {
    expect(linkFormat(links, ['rt=c'])).toBe('</sensors/x>;rt="c";title="say \'x\'"');
  });
});
