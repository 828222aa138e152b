import { beforeEach, describe, expect, it } from 'vitest';
import { Refusal } from '../../../agent/errors.ts';
import type { FakeUnderlay } from '../../fakes/fake-underlay.ts';
import type { ManualClock } from '../../fakes/manual-clock.ts';
import { LinkWorld, member } from './link-world.ts';

const [a, b, c] = [member('a'), member('b'), member('c')];

let world: LinkWorld;
let clock: ManualClock;
let signals: LinkWorld['signals'];
let underlay: FakeUnderlay;

const node: LinkWorld['node'] = (own, options) => world.node(own, options);

beforeEach(() => {
  world = new LinkWorld();
  ({ clock, signals, underlay } = world);
});

describe('the link manager', () => {
  it('makes a link on demand, with ChaCha20 where one side has no AES instructions', async () => {
    const [one, two] = [node(a), node(b)];
    expect(one.links.request(b)).toBe(one.links.request(b));
    await clock.advance(200);
    expect(one.links.reports()[0]).toMatchObject({ state: 'up', path: 'fast', cipher: 'chacha20-poly1305' });
    expect(two.links.reports()[0]).toMatchObject({ state: 'up', path: 'fast', cipher: 'chacha20-poly1305' });
    expect(one.happened).toEqual(['link.requested', 'link.up', 'link.path fast']);
  });

  it('gives the datapath the peer when the slot is taken, so that its frames come up with the slot', () => {
    const one = node(a);
    const slot = one.links.request(b);
    expect([...one.datapath.stats().peers.keys()]).toEqual([slot]);
  });

  it('refuses a peer whose DTLS certificate is not the one that was signed', async () => {
    const [one, two] = [node(a), node(b)];
    two.transports.impostors = true;
    one.links.request(b);
    await clock.advance(100);
    expect(one.happened).toContain('link.failed fingerprint-mismatch');
    expect(one.links.upSlots()).toEqual([]);
  });

  it('tries again at once when the transport fails for nothing, and so that it cannot again', async () => {
    const [one, two] = [node(a), node(b)];
    one.transports.hasty = 9;
    one.links.request(b);
    await clock.advance(100);
    expect([one.state(), two.state()]).toEqual(['up', 'up']);
    expect([...one.happened, ...two.happened].filter((text) => text.startsWith('link.failed'))).toEqual([]);
    expect(one.links.reports()[0]?.repeatedAttempts).toBe(1);
  });

  it('waits when the transport fails for nothing, and again', async () => {
    const [one, two] = [node(a), node(b)];
    const { made } = one.transports;
    const create = one.transports.create.bind(one.transports);
    one.transports.create = (...given) => {
      const transport = create(...given);
      if (made.length <= 2) transport.acceptAnswer = () => made.at(-1)?.fail();
      return transport;
    };
    one.links.request(b);
    await clock.advance(100);
    expect(one.state()).toBe('failed');
    expect(one.happened).toContain('link.failed transport-failed');
    await clock.advance(1_000);
    expect([one.state(), two.state()]).toEqual(['up', 'up']);
  });

  it('lets its transport live after a bye until the peer has heard it', async () => {
    const [one, two] = [node(a), node(b)];
    one.links.request(b);
    await clock.advance(200);
    signals.cut = true;
    const resume = two.transports.made[0]?.freeze();
    one.links.close(b.nodeId, 'closed');
    await clock.advance(900);
    expect(one.transports.made[0]?.closed).toBe(false);
    resume?.();
    two.transports.made[0]?.close();
    await clock.advance(10);
    expect(one.transports.made[0]?.closed).toBe(true);
  });

  it('ends for good when the bye comes while it is trying again, and not when it was asked for since', async () => {
    const [one, two] = [node(a), node(b)];
    for (const asked of [false, true]) {
      two.links.request(a);
      await clock.advance(200);
      expect([one.state(), two.state()]).toEqual(['up', 'up']);
      const lastOfOne = one.transports.made.at(-1);
      if (lastOfOne) lastOfOne.sendControl = () => 'sent';
      signals.held = [];
      one.links.close(b.nodeId, 'closed');
      await clock.advance(5_000);
      expect(two.happened.at(-1)).toMatch(/^link.down/);
      if (asked) two.links.request(a);
      const late = signals.held;
      signals.held = null;
      for (const deliver of late) deliver();
      await clock.advance(3_000);
      expect([one.state(), two.state()]).toEqual(asked ? ['up', 'up'] : ['none', 'none']);
    }
    one.links.close(b.nodeId, 'closed');
  });

  it('retries with backoff while nobody answers, and gives up when nobody asks any more', async () => {
    const one = node(a);
    signals.cut = true;
    one.links.request(b);
    await clock.advance(19_000);
    expect(one.state()).toBe('connecting');
    expect(signals.sent.filter((kind) => kind === 'offer').length).toBeGreaterThan(4);
    await clock.advance(1_100);
    expect(one.state()).toBe('failed');
    expect(one.links.reports()[0]?.problem).toMatch(/no-answer/);
    await clock.advance(1_000);
    expect(one.state()).toBe('connecting');
    await clock.advance(60_000);
    expect(one.state()).toBe('none');
    expect(one.datapath.stats().peers.size).toBe(0);
    expect(clock.pending()).toBe(0);
  });

  it('notices a dead peer within 15 s, and not one that stands still for five', async () => {
    const [one, two] = [node(a), node(b)];
    one.links.request(b);
    await clock.advance(200);
    const cutOff = async (forMs: number) => {
      underlay.onTheWay = () => [];
      const both = [...one.transports.made, ...two.transports.made];
      const mute = both.map((transport) => [transport, transport.sendControl] as const);
      for (const [transport] of mute) transport.sendControl = () => 'sent';
      await clock.advance(forMs);
      for (const [transport, sendControl] of mute) transport.sendControl = sendControl;
      underlay.onTheWay = (packet) => [packet];
    };
    await cutOff(5_000);
    await clock.advance(3_000);
    expect(one.happened.filter((text) => text.startsWith('link.down'))).toEqual([]);
    expect(one.links.reports()[0]?.path).toBe('fast');
    signals.cut = true;
    await cutOff(15_000);
    expect(one.happened).toContain('link.down peer-silent');
    expect(two.links.upSlots()).toEqual([]);
  });

  it('negotiates a new transport beside the fast path when the old one fails', async () => {
    const [one, two] = [node(a), node(b)];
    one.links.request(b);
    await clock.advance(200);
    one.transports.made[0]?.fail();
    await clock.advance(500);
    expect([one.state(), two.state()]).toEqual(['up', 'up']);
    expect(one.happened.filter((text) => text.startsWith('link.down'))).toEqual([]);
    expect(one.links.reports()[0]).toMatchObject({ path: 'fast', generation: 2 });
  });

  it('follows a peer whose packets come from somewhere else', async () => {
    const [one, two] = [node(a), node(b)];
    const slot = one.links.request(b);
    await clock.advance(2_000);
    const moved = { address: '198.51.100.7', port: 7 };
    const relay = underlay.bind(moved.address, moved.port, (packet) => {
      underlay.onTheWay = (inner) => [inner];
      underlay.send(
        { address: '192.0.2.97', port: one.datapath.udpPort },
        { address: '192.0.2.98', port: two.datapath.udpPort },
        packet,
      );
      move();
    });
    const move = () => {
      underlay.onTheWay = (packet, from, to) => {
        if (from.address === '192.0.2.98') {
          underlay.onTheWay = (inner) => [inner];
          underlay.send(moved, to, packet);
          move();
          return [];
        }
        return to.address === '192.0.2.98' ? [] : [packet];
      };
    };
    move();
    two.links.sendFrame(0, new Uint8Array(60));
    await clock.advance(1_000);
    expect(relay).toBe(moved.port);
    expect(one.datapath.pathOf(slot)).toEqual(moved);
  });

  it('closes the link that was unused for longest when all slots are taken, and refuses when all are in use', async () => {
    const [one] = [node(a, { slots: 1 }), node(b), node(c)];
    one.links.request(b);
    await clock.advance(200);
    expect(() => one.links.request(c)).toThrow(Refusal);
    await clock.advance(11_000);
    one.links.request(c);
    await clock.advance(200);
    expect(one.links.reports().map((report) => report.name)).toEqual(['c']);
    expect(one.happened).toContain('link.closed idle');
  });

  it('says bye on every link when it stops, leaves no timer behind and accepts nothing more', async () => {
    const [one, two] = [node(a), node(b)];
    one.links.request(b);
    await clock.advance(200);
    const stopping = one.links.stop();
    await clock.advance(200);
    await stopping;
    expect([one.state(), two.state()]).toEqual(['none', 'none']);
    expect(clock.pending()).toBe(0);
    expect(() => one.links.request(b)).toThrow(/stopping/);
  });

  it('rejects a ping that nobody answers in time', async () => {
    const one = node(a);
    const slot = one.links.request(b);
    const ping = one.links.ping(slot, 2_000).catch((error: Refusal) => error.reason);
    await clock.advance(2_000);
    expect(await ping).toBe('no-answer');
    await expect(one.links.ping(99, 10)).rejects.toMatchObject({ reason: 'no-such-link' });
  });
});
