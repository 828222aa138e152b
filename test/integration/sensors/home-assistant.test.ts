/** Publication over real MQTT: a real broker, and MQTT.js in the place of Home Assistant. */
import mqtt from 'mqtt';
import { afterEach, expect, it } from 'vitest';
import { openMqttBus } from '../../../agent/adapters/mqtt-message-bus.ts';
import { systemClock } from '../../../agent/adapters/system-clock.ts';
import { HomeAssistantPublisher } from '../../../sensors/publication/home-assistant-publisher.ts';
import { Sampler } from '../../../sensors/sampler.ts';
import { TestBroker } from '../../fakes/aedes-broker.ts';
import { openService } from '../../fakes/open-service.ts';
import { RecordingLog } from '../../fakes/recording-log.ts';
import { ScriptedSensor } from '../../fakes/scripted-sensor.ts';

const closing: Array<() => unknown> = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

it('is found, told of and taken back over real MQTT; a node that is gone is offline by its last will', async () => {
  const broker = await new TestBroker().start();
  closing.push(() => broker.stop());
  const home = await mqtt.connectAsync(broker.url);
  closing.push(() => home.endAsync(true));
  const heard = new Map<string, string>();
  home.on('message', (topic, payload) => heard.set(topic, payload.toString()));
  await home.subscribeAsync('#');

  const log = new RecordingLog();
  const source = new Sampler({ clock: systemClock, log, random: Math.random, clockSynchronised: () => true });
  closing.push(() => source.stop());
  const sensor = new ScriptedSensor('greenhouse-air', 100);
  await source.track([sensor]);
  const { actuators, policy } = openService(systemClock, log);
  const publisher = new HomeAssistantPublisher({
    source,
    history: source.history,
    wallMs: () => systemClock.wallMs(),
    node: { id: 'abcdefghijklmnop', name: 'greenhouse', version: '0.1.0', url: null },
    openBus: openMqttBus,
    broker: { url: broker.url },
    discoveryPrefix: 'homeassistant',
    actuators,
    policy,
    clock: systemClock,
    log,
  });
  publisher.start();
  const status = 'tincan-node/abcdefghijklmnop/status';
  const discovery = 'homeassistant/device/tincan-abcdefghijklmnop/config';
  await expect.poll(() => heard.get(status), { timeout: 10_000 }).toBe('online');
  expect(JSON.parse(heard.get(discovery) ?? '').components['sensor-greenhouse-air']).toMatchObject({
    platform: 'sensor',
  });
  sensor.answer = 23.5;
  const state = () =>
    JSON.parse(heard.get('tincan-node/abcdefghijklmnop/sensors/greenhouse-air') ?? '{}').value;
  await expect.poll(state, { timeout: 10_000 }).toBe(23.5);

  // Every connection dies, as when a board loses its power; the broker says its will, and the next connection overrides it.
  const seen: string[] = [];
  home.on('message', (topic, payload) => topic === status && seen.push(payload.toString()));
  broker.cut();
  await expect.poll(() => seen, { timeout: 15_000 }).toEqual(expect.arrayContaining(['online']));
  await publisher.stop(true);
  await expect.poll(() => [heard.get(discovery), heard.get(status)], { timeout: 10_000 }).toEqual(['', '']);
});
