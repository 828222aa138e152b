/** What links do while something is broken, in virtual time: who notices what, when, and how traffic comes back. */
import { beforeEach, describe, expect, it } from 'vitest';
import { macBytes } from '../../../agent/wire/ethernet-frame.ts';
import { macOfNode } from '../../../agent/wire/node-address.ts';
import type { FakePacket } from '../../fakes/fake-underlay.ts';
import { LinkWorld, member, type WorldNode } from './link-world.ts';

const [a, b] = [member('a'), member('b')];

let world: LinkWorld;
let one: WorldNode;
let two: WorldNode;

/** Frames of A's that arrive at B, by whichever path. */
let arrived: number;

async function linked(): Promise<void> {
  one = world.node(a);
  two = world.node(b);
  one.links.request(b);
  await world.clock.advance(1_000);
  expect(one.links.reports()[0]).toMatchObject({ state: 'up', path: 'fast' });
}

function countArrivals(node: WorldNode): void {
  node.links.onFrame(() => arrived++);
}

function send(): void {
  const frame = new Uint8Array(60);
  frame.set(macBytes(macOfNode(b.nodeId)), 0);
  frame.set(macBytes(macOfNode(a.nodeId)), 6);
  // As the overlay does with frames that find no link.
  if (one.links.sendFrame(0, frame) === 'closed') one.links.request(b);
}

/** A frame every 50 ms while time passes. */
async function sendFor(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 50) {
    send();
    await world.clock.advance(50);
  }
}

const cutFastPath = () => {
  world.underlay.onTheWay = () => [];
};
const mendFastPath = () => {
  world.underlay.onTheWay = (packet) => [packet];
};
const downs = (node: WorldNode) => node.happened.filter((text) => text.startsWith('link.down'));

/** Until `check` holds, in steps of 50 ms with a frame each; the time it took. */
async function timeUntil(check: () => boolean, limitMs = 60_000): Promise<number> {
  for (let passed = 0; passed <= limitMs; passed += 50) {
    if (check()) return passed;
    await sendFor(50);
  }
  return Number.POSITIVE_INFINITY;
}

beforeEach(() => {
  world = new LinkWorld();
  arrived = 0;
});

describe('a link, when', () => {
  it('its fast path is blocked, takes the slow path within 3 s, and the fast one when it can again', async () => {
    await linked();
    cutFastPath();
    expect(await timeUntil(() => one.links.reports()[0]?.path === 'slow')).toBeLessThanOrEqual(3_000);
    countArrivals(two);
    await sendFor(60_000);
    expect(arrived).toBe(1_200);
    mendFastPath();
    expect(await timeUntil(() => one.links.reports()[0]?.path === 'fast')).toBeLessThanOrEqual(3_000);
    expect([...downs(one), ...downs(two)]).toEqual([]);
  });

  it('its fast path is blocked in one direction only, takes the slow path within 3 s', async () => {
    await linked();
    await sendFor(1_000);
    world.underlay.onTheWay = (packet, from) => (from.address === '192.0.2.97' ? [] : [packet]);
    expect(await timeUntil(() => one.links.reports()[0]?.path === 'slow')).toBeLessThanOrEqual(3_000);
    countArrivals(two);
    await sendFor(10_000);
    expect(arrived).toBe(200);
    mendFastPath();
    expect(await timeUntil(() => one.links.reports()[0]?.path === 'fast')).toBeLessThanOrEqual(3_000);
    expect([...downs(one), ...downs(two)]).toEqual([]);
  });

  it('its peer is killed in traffic, leaves the fast path within 1.5 s and is down within 7.5 s', async () => {
    await linked();
    await two.kill();
    expect(await timeUntil(() => one.links.reports()[0]?.path !== 'fast')).toBeLessThanOrEqual(1_500);
    expect(one.links.reports()[0]?.problem).toMatch(/not answered/);
    expect(await timeUntil(() => downs(one).length > 0)).toBeLessThanOrEqual(6_000);
  });

  it('its peer is killed while nobody sends, knows it within 5 s and is down within 9.5 s', async () => {
    await linked();
    await world.clock.advance(30_000);
    await two.kill();
    await world.clock.advance(5_000);
    expect(one.links.reports()[0]?.path).toBe('slow');
    expect(downs(one)).toEqual([]);
    await world.clock.advance(4_500);
    expect(downs(one)).toEqual(['link.down peer-silent']);
  });

  it('its peer stands still for 5 s in traffic, stays up', async () => {
    await linked();
    cutFastPath();
    const thaw = two.transports.made.map((transport) => transport.freeze());
    await sendFor(5_000);
    mendFastPath();
    for (const again of thaw) again();
    await sendFor(2_500);
    expect(downs(one)).toEqual([]);
    expect(one.links.reports()[0]?.path).toBe('fast');
  });

  it('its transport fails, stays up on the fast path and loses no frame while there is a new one', async () => {
    await linked();
    const before = two.datapath.stats().peers.get(0)?.received.frames ?? 0;
    await sendFor(1_000);
    one.transports.made[0]?.fail();
    await sendFor(5_000);
    expect((two.datapath.stats().peers.get(0)?.received.frames ?? 0) - before).toBe(120);
    expect([...downs(one), ...downs(two)]).toEqual([]);
    expect([one.transports.made.length, two.transports.made.length]).toEqual([2, 2]);
    cutFastPath();
    await sendFor(3_000);
    countArrivals(two);
    await sendFor(1_000);
    expect(arrived).toBe(20);
  });

  it('its transport fails and the broker is gone, lives on by the fast path alone', async () => {
    await linked();
    world.signals.cut = true;
    one.transports.made[0]?.fail();
    await sendFor(120_000);
    expect([...downs(one), ...downs(two)]).toEqual([]);
    world.signals.cut = false;
    await sendFor(5_000);
    cutFastPath();
    await sendFor(3_000);
    expect(one.links.reports()[0]).toMatchObject({ state: 'up', path: 'slow' });
  });

  it.each([3_000, 30_000, 300_000])(
    'everything between the two is down for %i ms, carries frames within 3 s, without the broker',
    async (outageMs) => {
      await linked();
      world.signals.cut = true;
      cutFastPath();
      for (const transport of [...one.transports.made, ...two.transports.made]) transport.freeze();
      await sendFor(outageMs);
      mendFastPath();
      const before = two.datapath.stats().peers.get(0)?.received.frames ?? 0;
      const resumed = () => (two.datapath.stats().peers.get(0)?.received.frames ?? 0) > before;
      expect(await timeUntil(resumed)).toBeLessThanOrEqual(3_000);
      expect(one.state()).toBe('up');
      // TCP's segments pass the controller for a while, and then no more.
      expect(one.links.condition(0)).toBe('back');
      expect(two.links.condition(0)).toBe('back');
      await sendFor(2_000);
      expect([one.links.condition(0), two.links.condition(0)]).toEqual(['steady', 'steady']);
    },
  );

  it('its peer was away for long and comes back restarted, carries frames within 3 s', async () => {
    await linked();
    await two.kill();
    await sendFor(100_000);
    const again = world.node(b);
    const resumed = () => (again.datapath.stats().peers.get(0)?.received.frames ?? 0) > 0;
    expect(await timeUntil(resumed)).toBeLessThanOrEqual(3_000);
    await sendFor(1_000);
    expect(one.links.reports()[0]).toMatchObject({ state: 'up', path: 'fast' });
  });

  it('its peer is killed and back at once, with nothing to say: carries frames within 3 s', async () => {
    await linked();
    await sendFor(1_000);
    await two.kill();
    await sendFor(500);
    const again = world.node(b);
    const resumed = () => (again.datapath.stats().peers.get(0)?.received.frames ?? 0) > 0;
    expect(await timeUntil(resumed)).toBeLessThanOrEqual(3_000);
    expect(downs(one)).toEqual(['link.down unknown-session']);
    await sendFor(1_000);
    expect(one.links.reports()[0]).toMatchObject({ state: 'up', path: 'fast' });
  });

  it('its peer stays away, gives up after ten minutes and leaves nothing behind', async () => {
    await linked();
    await two.kill();
    await world.clock.advance(700_000);
    expect(one.state()).toBe('none');
    expect(one.datapath.stats().peers.size).toBe(0);
  });

  it('nobody uses it, costs 6.3 MB a day at most on the fast path, and nothing of ours on the other', async () => {
    one = world.node(a, { idleCloseMs: 0 });
    two = world.node(b, { idleCloseMs: 0 });
    one.links.request(b);
    await world.clock.advance(10_000);
    let bytes = 0;
    const headers = { ip: 20, udp: 8, packet: 16, tag: 16, probe: 12 };
    const probeBytes = Object.values(headers).reduce((sum, part) => sum + part);
    world.underlay.onTheWay = (packet: FakePacket) => {
      bytes += probeBytes;
      return [packet];
    };
    let controlBytes = 0;
    for (const transport of [...one.transports.made, ...two.transports.made]) {
      const say = transport.sendControl.bind(transport);
      transport.sendControl = (message) => {
        controlBytes += message.length;
        return say(message);
      };
    }
    await world.clock.advance(3_600_000);
    const perDay = bytes * 24;
    expect(controlBytes).toBe(0);
    expect(perDay).toBeGreaterThan(6_000_000);
    expect(perDay).toBeLessThan(6_300_000);
  });
});
