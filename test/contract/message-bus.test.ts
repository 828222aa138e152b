import { afterEach, describe, expect, it, vi } from 'vitest';
import { openMqttBus } from '../../agent/adapters/mqtt-message-bus.ts';
import { UsageError } from '../../agent/errors.ts';
import type { BusOptions, MessageBus } from '../../agent/ports/message-bus.ts';
import { TestBroker, type TestBrokerOptions } from '../fakes/aedes-broker.ts';
import { FakeBroker } from '../fakes/fake-message-bus.ts';
import { type BrokerUnderTest, messageBusContract } from './message-bus.suite.ts';

const soon = { timeout: 12_000, interval: 10 };

async function fake(): Promise<BrokerUnderTest> {
  const broker = new FakeBroker();
  return {
    open: (options) => broker.open({ url: 'mqtt://fake', ...options }),
    stop: async () => broker.setReachable(false),
    start: async () => broker.setReachable(true),
    close: async () => undefined,
  };
}

async function real(): Promise<BrokerUnderTest> {
  const broker = await new TestBroker().start();
  return {
    open: (options) => openMqttBus({ url: broker.url, ...options }),
    stop: () => broker.stop(),
    start: async () => void (await broker.start()),
    close: () => broker.stop(),
  };
}

describe('FakeMessageBus', () => {
  messageBusContract(fake);
});

describe('MQTT.js against aedes', () => {
  messageBusContract(real);

  let closing: Array<() => Promise<void>> = [];
  afterEach(async () => {
    for (const close of closing.reverse()) await close();
    closing = [];
  });

  function open(options: Partial<BusOptions> & { url: string }): MessageBus {
    const bus = openMqttBus({ clientId: 'device', ...options });
    closing.push(() => bus.close());
    bus.connect();
    return bus;
  }

  async function started(options: TestBrokerOptions = {}): Promise<TestBroker> {
    const broker = await new TestBroker(options).start();
    closing.push(() => broker.stop());
    return broker;
  }

  const failed = (bus: MessageBus, reason: string) =>
    vi.waitFor(() => expect(bus.state()).toMatchObject({ connected: false, reason }), soon);

  it('names a broker that nobody listens at, without the password', async () => {
    const bus = open({ url: 'mqtt://user:secret@127.0.0.1:1' });
    await failed(bus, 'unreachable');
    expect(bus.state().problem).toContain('127.0.0.1:1');
    expect(bus.state().problem).not.toContain('secret');
  });

  it('names a host that cannot be resolved', async () => {
    const bus = open({ url: 'mqtt://no-such-broker.invalid' });
    await failed(bus, 'unreachable');
    expect(bus.state().problem).toMatch(/no-such-broker\.invalid:1883.*DNS/);
  });

  it('tells a refused password from a missing authorisation', async () => {
    const [password, list] = [await started({ refuseWith: 4 }), await started({ refuseWith: 5 })];
    await failed(open({ url: password.url }), 'bad-credentials');
    await failed(open({ url: list.url }), 'not-authorised');
  });

  it('tells a broker that speaks no TLS from one that is not there', async () => {
    const broker = await started();
    await failed(open({ url: broker.url.replace('mqtt:', 'mqtts:') }), 'tls');
  });

  it('notices another device with the same identity', async () => {
    const broker = await started();
    const [one, two] = [open({ url: broker.url }), open({ url: broker.url })];
    const reasons: string[] = [];
    for (const bus of [one, two]) bus.onState((state) => reasons.push(`${state.reason} ${state.problem}`));
    await vi.waitFor(() => expect(reasons.join()).toMatch(/kicked .*another device/), soon);
  });

  it('cuts a broker off that announces an enormous packet, and comes back', async () => {
    const broker = await started();
    const bus = open({ url: broker.url });
    await vi.waitFor(() => expect(bus.state().connected).toBe(true), soon);
    const states: string[] = [];
    bus.onState((state) => states.push(state.problem ?? 'connected'));
    broker.sendRaw(Uint8Array.of(0x30, 0xff, 0xff, 0xff, 0x7f));
    await vi.waitFor(() => expect(states.at(-1)).toBe('connected'), soon);
    expect(states[0]).toMatch(/more than 262144 bytes/);
  });

  it('says which subscription the broker forbids', async () => {
    const broker = await started({ forbiddenTopic: 'secret/#' });
    const bus = open({ url: broker.url });
    await expect(bus.subscribe('secret/#', () => undefined).ready).rejects.toThrow(/secret\/#/);
    await bus.subscribe('open/#', () => undefined).ready;
  });

  it('bounds what waits while offline', async () => {
    const bus = open({ url: 'mqtt://127.0.0.1:1' });
    const results = await Promise.allSettled(
      Array.from({ length: 300 }, () => Promise.race([bus.publish('x', new Uint8Array(1)), 'waits'])),
    );
    expect(results.filter((result) => result.status === 'rejected')).toHaveLength(300 - 256);
    closing.unshift(async () => undefined);
  });

  it('refuses a URL that is none of a broker’s', () => {
    expect(() => openMqttBus({ url: 'http://example.com', clientId: 'x' })).toThrow(UsageError);
    expect(() => openMqttBus({ url: 'broker', clientId: 'x' })).toThrow(UsageError);
  });
});
