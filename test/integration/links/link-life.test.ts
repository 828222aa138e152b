import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../../agent/adapters/system-clock.ts';
import type { DatapathEvent, DatapathOptions } from '../../../agent/ports/datapath.ts';
import type { SignalIdentity } from '../../../agent/signalling/sealed-signals.ts';
import { SignalMemory } from '../../../agent/signalling/sealed-signals.ts';
import { TestBroker } from '../../fakes/aedes-broker.ts';
import { FakeDatapath } from '../../fakes/fake-datapath.ts';
import { FakeUnderlay } from '../../fakes/fake-underlay.ts';
import { testIdentity } from '../../fakes/fleet-of-two.ts';
import { LinkNode } from './link-node.ts';

/** Bounded waits; what is waited for usually takes milliseconds. */
const soon = { timeout: 8_000, interval: 5 };

let broker: TestBroker;
let underlay: FakeUnderlay;
let identities: [SignalIdentity, SignalIdentity];
type FakeNode = LinkNode<FakeDatapath>;
let nodes: FakeNode[] = [];

async function node(which: 0 | 1, links: Record<string, unknown> = {}, bootCount = 1): Promise<FakeNode> {
  const identity = { ...identities[which], memory: new SignalMemory(bootCount) };
  const fleet = identities.map((entry) => entry.membership);
  const options = {
    identity,
    fleet,
    brokerUrl: broker.url,
    underlayAddress: `192.0.2.${which + 1}`,
    openDatapath: (options: DatapathOptions, receive: (events: DatapathEvent[]) => void) =>
      new FakeDatapath(options, receive, {
        underlay,
        underlayAddress: `192.0.2.${which + 1}`,
        nowMs: () => systemClock.monotonicMs(),
      }),
    links,
  };
  const made = await new LinkNode(options).start();
  nodes.push(made);
  return made;
}

const peerOf = (self: FakeNode) =>
  self.identity.nodeId === identities[0].nodeId ? identities[1].membership : identities[0].membership;
const bothUp = (a: FakeNode, b: FakeNode) =>
  vi.waitFor(() => {
    expect(a.report()?.state).toBe('up');
    expect(b.report()?.state).toBe('up');
  }, soon);
const onPath = (path: 'fast' | 'slow', ...on: FakeNode[]) =>
  vi.waitFor(() => {
    for (const one of on) expect(one.report()?.path).toBe(path);
  }, soon);

function frameTo(b: FakeNode, text: string): Uint8Array {
  const mac = b.identity.nodeId.length > 0 ? [2, 1, 2, 3, 4, 5] : [];
  return Buffer.concat([Buffer.from([...mac, 2, 9, 9, 9, 9, 9, 0x88, 0xb5]), Buffer.from(text)]);
}

beforeEach(async () => {
  broker = await new TestBroker().start();
  underlay = new FakeUnderlay();
  identities = [await testIdentity('north', 1), await testIdentity('south', 2)];
  identities.sort((a, b) => (a.nodeId < b.nodeId ? -1 : 1));
});

afterEach(async () => {
  await Promise.all(nodes.map((one) => one.stop()));
  nodes = [];
  await broker.stop();
});

describe('a link between two nodes', () => {
  it('comes up on request and carries frames both ways over the slow path', async () => {
    underlay.onTheWay = () => [];
    const [a, b] = [await node(0), await node(1)];
    const slot = a.links.request(peerOf(a));
    expect(a.links.isUp(slot)).toBe(false);
    expect(a.links.sendFrame(slot, frameTo(b, 'early'))).toBe('closed');
    await bothUp(a, b);
    expect(a.links.sendFrame(slot, frameTo(b, 'there'))).toBe('sent');
    expect(b.links.sendFrame(b.links.upSlots()[0] ?? -1, frameTo(a, 'back'))).toBe('sent');
    await vi.waitFor(() => {
      expect(b.frames.map((frame) => Buffer.from(frame.subarray(14)).toString())).toEqual(['there']);
      expect(a.frames.map((frame) => Buffer.from(frame.subarray(14)).toString())).toEqual(['back']);
    }, soon);
    expect(a.report()).toMatchObject({ path: 'slow', sent: { frames: 1 }, received: { frames: 1 } });
    expect(await a.links.ping(slot, 3000)).toMatchObject({ path: 'slow' });
  });

  it('moves to the fast path when a probe comes back, and off it when nothing does', async () => {
    const [a, b] = [await node(0), await node(1)];
    const slot = a.links.request(peerOf(a));
    await onPath('fast', a, b);
    expect(a.datapath.pathOf(slot)).toEqual({ address: '192.0.2.2', port: b.datapath.udpPort });
    expect(a.report()).toMatchObject({ cipher: 'aes-256-gcm', endpoint: `192.0.2.2:${b.datapath.udpPort}` });
    expect(await a.links.ping(slot, 3000)).toMatchObject({ path: 'fast' });
    underlay.onTheWay = () => [];
    a.links.sendFrame(slot, frameTo(b, 'lost on the way'));
    await onPath('slow', a);
    expect(a.datapath.pathOf(slot)).toBeNull();
    a.links.sendFrame(slot, frameTo(b, 'by the slow path'));
    await vi.waitFor(() => expect(b.frames).toHaveLength(1), soon);
    expect(a.report()?.state).toBe('up');
    underlay.onTheWay = (packet) => [packet];
    await onPath('fast', a, b);
  });

  it('is one link when both ask for it in the same moment', async () => {
    const [a, b] = [await node(0), await node(1)];
    a.links.request(peerOf(a));
    b.links.request(peerOf(b));
    await bothUp(a, b);
    expect(a.links.reports()).toHaveLength(1);
    expect(b.links.reports()).toHaveLength(1);
    expect(a.events).toEqual(['up 0']);
    expect(b.events).toEqual(['up 0']);
    expect(await b.links.ping(0, 3000)).toMatchObject({ path: expect.any(String) });
  });

  it('comes up again when one side restarts without a word', async () => {
    const [a, b] = [await node(0), await node(1)];
    a.links.request(peerOf(a));
    await bothUp(a, b);
    await b.kill();
    nodes = nodes.filter((one) => one !== b);
    const again = await node(1, {}, 2);
    again.links.request(peerOf(again));
    await bothUp(a, again);
    await vi.waitFor(() => expect(a.events).toEqual(['up 0', 'down 0 peer-restarted', 'up 0']), soon);
    await onPath('fast', a, again);
    b.links.close(peerOf(b).nodeId, 'closed');
  });

  it('outlives its broker', async () => {
    const [a, b] = [await node(0), await node(1)];
    const slot = a.links.request(peerOf(a));
    await bothUp(a, b);
    await broker.stop();
    await vi.waitFor(() => expect(a.bus.state().connected).toBe(false), soon);
    expect(await a.links.ping(slot, 3000)).toMatchObject({ rttMs: expect.any(Number) });
    expect(a.events).toEqual(['up 0']);
    await broker.start();
  });

  it('ends on both sides with a bye, and frees its slots', async () => {
    const [a, b] = [await node(0), await node(1)];
    const slot = a.links.request(peerOf(a));
    await bothUp(a, b);
    expect(a.links.close(b.identity.nodeId, 'closed')).toBe(true);
    expect(a.links.isUp(slot)).toBeNull();
    await vi.waitFor(() => expect(b.links.reports()).toEqual([]), soon);
    expect(a.datapath.stats().peers.size).toBe(0);
    expect(b.datapath.stats().peers.size).toBe(0);
    expect(a.events).toContain('down 0 closed');
  });

  it('closes when neither side uses it, though multicast goes on', async () => {
    const [a, b] = [await node(0, { idleCloseMs: 1500 }), await node(1, { idleCloseMs: 1500 })];
    const slot = a.links.request(peerOf(a));
    await bothUp(a, b);
    const multicast = frameTo(b, 'who is there');
    multicast[0] = 1;
    const chatter = setInterval(() => a.links.sendFrame(slot, multicast), 50);
    await vi.waitFor(() => expect([...a.links.reports(), ...b.links.reports()]).toEqual([]), soon);
    clearInterval(chatter);
    expect(a.events.at(-1)).toMatch(/^down 0 /);
  });
});
