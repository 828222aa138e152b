/** What every MessageBus does; message-bus.test.ts runs it on the fake and on MQTT against a real broker. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { BusOptions, MessageBus } from '../../agent/ports/message-bus.ts';

export interface BrokerUnderTest {
  open(options: Partial<BusOptions> & { clientId: string }): MessageBus;
  /** Cuts everybody off and stays away. */
  stop(): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
}

const soon = { timeout: 10_000, interval: 5 };
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
const bytes = (value: string) => new Uint8Array(Buffer.from(value));

export function messageBusContract(make: () => Promise<BrokerUnderTest>): void {
  describe('a message bus', () => {
    let broker: BrokerUnderTest;
    let buses: MessageBus[] = [];

    beforeEach(async () => {
      broker = await make();
    });

    afterEach(async () => {
      await Promise.all(buses.map((bus) => bus.close()));
      buses = [];
      await broker.close();
    });

    function bus(clientId: string, options: Partial<BusOptions> = {}): MessageBus {
      const opened = broker.open({ clientId, ...options });
      buses.push(opened);
      opened.connect();
      return opened;
    }

    async function listening(clientId: string, filter: string) {
      const receiver = bus(clientId);
      const heard: string[] = [];
      const note = (topic: string, payload: Uint8Array, retained: boolean) => {
        heard.push(`${topic}=${text(payload)}${retained ? ' retained' : ''}`);
      };
      const subscription = receiver.subscribe(filter, note);
      await subscription.ready;
      return { receiver, heard, subscription };
    }

    it('carries messages to those who subscribed to the topic', async () => {
      const { heard } = await listening('a', 't/+/x');
      const sender = bus('b');
      await sender.publish('t/1/x', bytes('one'));
      await sender.publish('t/1/y', bytes('not this'));
      await sender.publish('t/2/x', bytes('two'), { qos: 0 });
      await vi.waitFor(() => expect(heard).toEqual(['t/1/x=one', 't/2/x=two']), soon);
    });

    it('gives retained messages to later subscribers, and forgets them on an empty one', async () => {
      const sender = bus('b');
      await sender.publish('r/1', bytes('kept'), { retain: true });
      await sender.publish('r/2', bytes('kept too'), { retain: true });
      await sender.publish('r/2', new Uint8Array(), { retain: true });
      const { heard } = await listening('a', 'r/#');
      await sender.publish('r/3', bytes('live'));
      await vi.waitFor(() => expect(heard).toContain('r/3=live'), soon);
      expect(heard).toEqual(['r/1=kept retained', 'r/3=live']);
    });

    it('publishes what was asked for while it was offline, and subscribes again by itself', async () => {
      const { receiver, heard } = await listening('a', 'q/#');
      const states: boolean[] = [];
      receiver.onState((state) => states.push(state.connected));
      await broker.stop();
      await vi.waitFor(() => expect(receiver.state().connected).toBe(false), soon);
      expect(receiver.state()).toMatchObject({ reason: 'unreachable', problem: expect.any(String) });
      const published = receiver.publish('q/1', bytes('patience'));
      await broker.start();
      await published;
      await vi.waitFor(() => expect(heard).toEqual(['q/1=patience']), soon);
      expect(receiver.state()).toEqual({ connected: true, problem: null, reason: null });
      expect(states.at(-1)).toBe(true);
    });

    it('gives up a publish whose signal aborts while offline', async () => {
      const lone = bus('a');
      await vi.waitFor(() => expect(lone.state().connected).toBe(true), soon);
      await broker.stop();
      await vi.waitFor(() => expect(lone.state().connected).toBe(false), soon);
      const abort = new AbortController();
      const published = lone.publish('g/1', bytes('never'), { signal: abort.signal });
      abort.abort();
      await expect(published).rejects.toThrow();
      await broker.start();
    });

    it('delivers nothing to a cancelled subscription', async () => {
      const { receiver, heard, subscription } = await listening('a', 'c/#');
      subscription.cancel();
      const others: string[] = [];
      await receiver.subscribe('d/#', (_topic, payload) => others.push(text(payload))).ready;
      await receiver.publish('c/1', bytes('unheard'));
      await receiver.publish('d/1', bytes('heard'));
      await vi.waitFor(() => expect(others).toEqual(['heard']), soon);
      expect(heard).toEqual([]);
    });

    it('publishes its will, retained, when it closes in good order, and takes nothing more', async () => {
      const { heard } = await listening('a', 'w/#');
      const leaving = bus('b', { will: { topic: 'w/b', payload: bytes('gone') } });
      await vi.waitFor(() => expect(leaving.state().connected).toBe(true), soon);
      await leaving.close();
      await vi.waitFor(() => expect(heard).toEqual(['w/b=gone']), soon);
      expect(leaving.state().connected).toBe(false);
      await expect(leaving.publish('w/b', bytes('late'))).rejects.toThrow();
      await leaving.close();
    });
  });
}
