import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import type { AccessPolicy } from '../../../../sensors/access.ts';
import {
  deviceDiscovery,
  homeAssistantTopics,
} from '../../../../sensors/publication/home-assistant-discovery.ts';
import { HomeAssistantPublisher } from '../../../../sensors/publication/home-assistant-publisher.ts';
import type { Unit } from '../../../../sensors/sensor.ts';
import { FakeBroker } from '../../../fakes/fake-message-bus.ts';
import { RecordingLog } from '../../../fakes/recording-log.ts';
import { ScriptedActuator } from '../../../fakes/scripted-actuator.ts';
import { served, thermometer } from '../services/served-sensors.ts';

const NODE = { id: 'abcdefghijklmnop', name: 'greenhouse', version: '0.1.0', url: 'http://10.64.0.7/' };
const DISCOVERY = 'homeassistant/device/tincan-abcdefghijklmnop/config';
const BASE = 'tincan-node/abcdefghijklmnop';
const ALLOWING: AccessPolicy = { read: 'members', command: ['homeassistant'] };

const file = new URL('../../../golden/home-assistant/device-discovery.schema.json', import.meta.url);
const isAccepted = new Ajv2020({ strict: false }).compile(JSON.parse(readFileSync(file, 'utf8')));

async function published(policy: AccessPolicy = ALLOWING) {
  const pump = new ScriptedActuator();
  const dimmer = new ScriptedActuator('dimmer', 10_000, { kind: 'integer', minimum: 0, maximum: 255 });
  const sensor = thermometer();
  const all = await served([sensor], { actuators: [pump, dimmer], policy });
  const broker = new FakeBroker();
  const { clock, services, actuators } = all;
  const publisher = new HomeAssistantPublisher({
    ...services,
    node: NODE,
    openBus: broker.open,
    broker: { url: 'mqtt://broker.example' },
    discoveryPrefix: 'homeassistant',
    actuators,
    policy: () => policy,
    clock,
    log: new RecordingLog(),
  });
  publisher.start();
  await clock.advance(0);
  const last = (topic: string) => {
    const payload = broker.last(topic);
    return payload && payload.length > 0 ? JSON.parse(Buffer.from(payload).toString()) : null;
  };
  const say = async (topic: string, payload: string, retain = false) => {
    broker.publish(topic, Buffer.from(payload), retain);
    await clock.advance(0);
  };
  const textOf = (topic: string) => Buffer.from(broker.last(topic) ?? []).toString();
  return { ...all, publisher, broker, sensor, pump, dimmer, last, say, textOf };
}

describe('discovery by Home Assistant', () => {
  it('is one retained message that it accepts, with every sensor and what may be set', async () => {
    const { last, broker, textOf } = await published();
    const discovery = last(DISCOVERY);
    expect([isAccepted(discovery), isAccepted.errors]).toEqual([true, null]);
    expect(broker.retained.has(DISCOVERY)).toBe(true);
    expect(discovery.components).toMatchObject({
      'sensor-greenhouse-air': {
        platform: 'sensor',
        device_class: 'temperature',
        unit_of_measurement: '°C',
        state_topic: `${BASE}/sensors/greenhouse-air`,
      },
      'actuator-output-pump': { platform: 'switch', command_topic: `${BASE}/actuators/output-pump/set` },
      'actuator-dimmer': { platform: 'number', min: 0, max: 255 },
    });
    expect(textOf(`${BASE}/status`)).toBe('online');
    expect(last(`${BASE}/sensors/greenhouse-air`)).toMatchObject({ value: 20, quality: 'ok' });
  });

  it('is accepted for every unit that a sensor can have', () => {
    const units: Unit[] = [
      'Cel',
      '%RH',
      'Pa',
      'lx',
      'V',
      'A',
      'W',
      'J',
      'Hz',
      's',
      'B',
      'm',
      'm/s',
      'pH',
      'count',
      '/',
      'm/s2',
      'T',
      '1/min',
    ];
    const readings = [...units, null].map((unit, at) => ({
      id: `sensor-${at}`,
      name: 'a sensor',
      kind: 'count',
      value: unit === null ? 'text' : 1,
      unit,
      time: null,
      ageMs: 0,
      quality: 'ok' as const,
      reason: null,
      seq: 1,
    }));
    const topics = homeAssistantTopics(NODE.id, 'homeassistant');
    const measured = readings.map((reading) => ({ ...reading, kind: 'measured' }));
    const discovery = deviceDiscovery(NODE, measured, [], topics);
    expect([isAccepted(discovery), isAccepted.errors]).toEqual([true, null]);
    expect(isAccepted({ ...discovery, device: {} })).toBe(false);
    const wrong = {
      platform: 'sensor',
      unique_id: 'x',
      state_topic: 't',
      device_class: 'temperature',
      unit_of_measurement: 'Cel',
      state_class: 'measurement',
    };
    expect(isAccepted({ ...discovery, components: { wrong } })).toBe(false);
  });

  it('offers nothing to set where the policy does not name it, and does not listen', async () => {
    const { last, say, pump } = await published({ read: 'members', command: ['operator'] });
    expect(Object.keys(last(DISCOVERY).components)).toEqual(['sensor-greenhouse-air']);
    await say(`${BASE}/actuators/output-pump/set`, 'true');
    expect(pump.level).toBe(false);
  });
});

describe('publication to Home Assistant', () => {
  it('tells of new values once a second at most, and of silence', async () => {
    const { clock, sensor, broker, last } = await published();
    const topic = `${BASE}/sensors/greenhouse-air`;
    const told = () => broker.published.filter((message) => message.topic === topic).length;
    const before = told();
    sensor.answer = 21;
    await clock.advance(10_000);
    expect(told() - before).toBeLessThanOrEqual(10);
    expect(last(topic)).toMatchObject({ value: 21, quality: 'ok' });
    sensor.answer = new Error('gone');
    await clock.advance(15_000);
    expect(last(topic)).toMatchObject({ quality: 'stale', reason: 'gone' });
  });

  it('sets actuators through the policy of all, and shows what came of it', async () => {
    const { say, pump, dimmer, last, log } = await published();
    await say(`${BASE}/actuators/output-pump/set`, 'true');
    expect(pump.level).toBe(true);
    expect(last(`${BASE}/actuators/output-pump`)).toMatchObject({ value: true, setBy: 'Home Assistant' });
    await say(`${BASE}/actuators/dimmer/set`, '128');
    expect(dimmer.level).toBe(128);
    for (const bad of ['256', '-1', '1.5', 'true', '"1"', 'x'.repeat(65), '', '{']) {
      await say(`${BASE}/actuators/dimmer/set`, bad);
    }
    expect(dimmer.level).toBe(128);
    expect(log.lines.length).toBeGreaterThan(2);
  });

  it('does not take a retained command, which may be of last year', async () => {
    const { broker, clock, pump } = await published();
    broker.publish(`${BASE}/actuators/output-pump/set`, Buffer.from('true'), true);
    await clock.advance(0);
    await clock.advance(0);
    const level = pump.level;
    pump.level = false;
    broker.setReachable(false);
    broker.setReachable(true);
    await clock.advance(1_000);
    expect([level, pump.level]).toEqual([true, false]);
  });

  it('tells everything again when Home Assistant, or the broker, has started', async () => {
    const { broker, clock, say, textOf } = await published();
    const tellings = () => broker.published.filter(({ topic }) => topic === DISCOVERY).length;
    expect(tellings()).toBe(1);
    await say('homeassistant/status', 'online');
    expect(tellings()).toBe(2);
    broker.restart();
    await clock.advance(0);
    expect(tellings()).toBe(3);
    expect(broker.retained.has(DISCOVERY)).toBe(true);
    expect(textOf(`${BASE}/status`)).toBe('online');
  });

  it('is offline when it stops, and gone from the broker when it is switched off', async () => {
    const one = await published();
    await one.publisher.stop(false);
    expect(one.textOf(`${BASE}/status`)).toBe('offline');
    expect([...one.broker.retained.keys()].sort()).toEqual([DISCOVERY, `${BASE}/status`]);
    const other = await published();
    await other.publisher.stop(true);
    expect([...other.broker.retained.keys()]).toEqual([]);
    expect(other.broker.clients.size).toBe(0);
  });

  it('takes back a sensor that is gone, by its platform and then altogether', async () => {
    const { clock, services, broker } = await published();
    const told = () =>
      broker.published
        .filter(({ topic }) => topic === DISCOVERY)
        .map(({ payload }) => JSON.parse(Buffer.from(payload).toString()));
    services.source.readings = () => [];
    await clock.advance(5_000);
    const [, removal, after] = told();
    expect(removal.components['sensor-greenhouse-air']).toEqual({ platform: 'sensor' });
    expect(isAccepted(removal)).toBe(true);
    expect(Object.keys(after.components)).toEqual(['actuator-output-pump', 'actuator-dimmer']);
  });
});
