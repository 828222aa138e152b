import { beforeEach, describe, expect, it } from 'vitest';
import { Refusal } from '../../../agent/errors.ts';
import { LinkManager } from '../../../agent/links/link-manager.ts';
import type { Membership } from '../../../agent/ports/member-directory.ts';
import type { Signal, SignalService } from '../../../agent/ports/signal-service.ts';
import { macOfNode } from '../../../agent/wire/node-address.ts';
import { FakeDatapath } from '../../fakes/fake-datapath.ts';
import { type FakePeerTransport, FakePeerTransportFactory } from '../../fakes/fake-peer-transport.ts';
import { FakeUnderlay } from '../../fakes/fake-underlay.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';
import { RecordingLog } from '../../fakes/recording-log.ts';

type Listener = (from: Membership, signal: Signal, sequence: number) => void;

/** Signals that arrive at once, unless the test cuts them. */
class FakeSignals {
  cut = false;
  readonly sent: string[] = [];
  readonly #listeners = new Map<string, Listener>();
  #sequence = 0;

  serviceOf(own: Membership): SignalService {
    return {
      send: async (to, signal) => {
        this.sent.push(signal.kind);
        const sequence = ++this.#sequence;
        if (!this.cut) queueMicrotask(() => this.#listeners.get(to.nodeId)?.(own, signal, sequence));
      },
      onSignal: (listener) => void this.#listeners.set(own.nodeId, listener),
    };
  }
}

function member(letter: string): Membership {
  const nodeId = letter.repeat(16);
  const ip4 = `10.64.0.${letter.charCodeAt(0)}`;
  const ip6 = `fd00::${letter.charCodeAt(0)}`;
  const key = new Uint8Array(32);
  return {
    nodeId,
    name: letter,
    publicKey: key,
    sealingKey: key,
    ip4,
    ip6,
    tags: [],
    serial: 1,
    certificate: key,
  };
}

const [a, b, c] = [member('a'), member('b'), member('c')];

let clock: ManualClock;
let signals: FakeSignals;
let underlay: FakeUnderlay;
let known: Map<string, FakePeerTransport>;

function node(own: Membership, slots?: number) {
  const transports = new FakePeerTransportFactory(known);
  const networkListeners: Array<() => void> = [];
  const underlayAddress = `192.0.2.${own.nodeId.charCodeAt(0)}`;
  const datapath: FakeDatapath = new FakeDatapath(
    {
      tapName: 't',
      mac: macOfNode(own.nodeId),
      mtuBytes: 1400,
      ip4: { address: own.ip4, prefixLength: 16 },
      ip6: { address: own.ip6, prefixLength: 64 },
      udpPort: 0,
    },
    (events) => {
      for (const event of events) links.receiveDatapathEvent(event);
    },
    { underlay, underlayAddress, nowMs: () => clock.monotonicMs() },
  );
  const links: LinkManager = new LinkManager(
    {
      self: { nodeId: own.nodeId },
      signals: signals.serviceOf(own),
      transports,
      datapath,
      host: {
        underlayAddresses: () => [underlayAddress],
        onChange: (listener) => void networkListeners.push(listener),
        close: () => undefined,
      },
      aesHardware: own.nodeId.startsWith('a'),
      iceServers: [],
      idleCloseMs: 60_000,
      isOverlayAddress: () => false,
      clock,
      log: new RecordingLog(),
      random: () => 0.5,
    },
    slots,
  );
  const happened: string[] = [];
  links.onEvent(({ name, fields }) =>
    happened.push(`${name} ${fields['reason'] ?? fields['path'] ?? ''}`.trim()),
  );
  return { links, datapath, transports, happened, state: () => links.reports()[0]?.state ?? 'none' };
}

beforeEach(() => {
  clock = new ManualClock();
  signals = new FakeSignals();
  underlay = new FakeUnderlay();
  known = new Map();
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

  it('stays up on the fast path when the transport fails, and negotiates another at once', async () => {
    const [one, two] = [node(a), node(b)];
    one.links.request(b);
    await clock.advance(200);
    one.transports.made[0]?.fail();
    await clock.advance(500);
    expect([one.state(), two.state()]).toEqual(['up', 'up']);
    expect(one.happened.filter((text) => text.startsWith('link.down'))).toEqual([]);
    expect(one.transports.made.length).toBe(2);
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
    const [one] = [node(a, 1), node(b), node(c)];
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
