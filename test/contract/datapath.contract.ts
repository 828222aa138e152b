/** What every Datapath does, fake or real, seen from the controller, from the kernel and from a peer. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Refusal } from '../../agent/errors.ts';
import type { AeadCipher, DatapathPeer, FastSession } from '../../agent/ports/datapath.ts';
import { arpRequest, BROADCAST, ip4Packet } from '../fakes/contract-frames.ts';
import { MTU_BYTES, NODES, type RiggedDatapath } from './datapath-rig.ts';

const SLOT = { a: 3, b: 1023 };
const STRANGER = '02:00:00:00:00:99';
const hex = (frame: Uint8Array) => Buffer.from(frame).toString('hex');

export function datapathContract(openPair: () => Promise<{ a: RiggedDatapath; b: RiggedDatapath }>): void {
  let a: RiggedDatapath;
  let b: RiggedDatapath;
  let nextIndex: number;

  beforeEach(async () => {
    nextIndex = 1;
    ({ a, b } = await openPair());
  });
  afterEach(async () => {
    await Promise.all([a.close(), b.close()]);
  });

  /** The session as A has it and as B has it; fresh keys and indices each time. */
  function sessionPair(cipher: AeadCipher = 'aes-256-gcm'): { ofA: FastSession; ofB: FastSession } {
    const [indexA, indexB] = [nextIndex++, nextIndex++];
    const [keyA, keyB] = [new Uint8Array(32).fill(indexA), new Uint8Array(32).fill(indexB)];
    return {
      ofA: { cipher, receiveIndex: indexA, receiveKey: keyA, sendIndex: indexB, sendKey: keyB },
      ofB: { cipher, receiveIndex: indexB, receiveKey: keyB, sendIndex: indexA, sendKey: keyA },
    };
  }

  /** A knows B in SLOT.b, B knows A in SLOT.a, with a session and, unless told otherwise, paths. */
  function introduce({ cipher, paths = true }: { cipher?: AeadCipher; paths?: boolean } = {}): void {
    const { ofA, ofB } = sessionPair(cipher);
    a.datapath.setPeer(peer('b'));
    b.datapath.setPeer(peer('a'));
    a.datapath.addSession(SLOT.b, ofA);
    b.datapath.addSession(SLOT.a, ofB);
    if (paths) a.datapath.setPath(SLOT.b, b.endpoint);
    if (paths) b.datapath.setPath(SLOT.a, a.endpoint);
  }

  const peer = (node: 'a' | 'b'): DatapathPeer => ({ slot: SLOT[node], ...NODES[node] });
  const aToB = (text: string) => ip4Packet({ from: NODES.a, to: NODES.b, text });
  const eventually = (check: () => void) => vi.waitFor(check, { timeout: 5000, interval: 10 });
  const reached = (rig: RiggedDatapath, frame: Uint8Array) =>
    eventually(() => expect(rig.toKernel.map(hex)).toContain(hex(frame)));
  const told = (rig: RiggedDatapath, event: object) =>
    eventually(() => expect(rig.events).toContainEqual(expect.objectContaining(event)));
  const dropped = (rig: RiggedDatapath, reason: string, times = 1) =>
    eventually(() => expect(rig.datapath.stats().drops).toHaveProperty(reason, times));

  describe('frames from the TAP', () => {
    it('come up when their destination is no peer', async () => {
      const frame = ip4Packet({ from: NODES.a, to: { ...NODES.b, mac: STRANGER }, text: 'who' });
      a.fromKernel(frame);
      await told(a, { kind: 'frame', why: 'unknown-destination', frame });
    });

    it('come up as flood when they go to a group', async () => {
      const frame = ip4Packet({ from: NODES.a, to: { ...NODES.b, mac: BROADCAST }, text: 'all' });
      a.fromKernel(frame);
      await told(a, { kind: 'frame', why: 'flood', frame });
    });

    it('come up as neighbour when they ask for one, also of a known peer', async () => {
      introduce();
      const everybody = arpRequest({ from: NODES.a, to: BROADCAST, targetIp: NODES.b.ip4 });
      const oneOnly = arpRequest({ from: NODES.a, to: NODES.b.mac, targetIp: NODES.b.ip4 });
      a.fromKernel(everybody);
      a.fromKernel(oneOnly);
      await told(a, { kind: 'frame', why: 'neighbour', frame: everybody });
      await told(a, { kind: 'frame', why: 'neighbour', frame: oneOnly });
    });

    it('come up with the slot when the peer has no path', async () => {
      introduce({ paths: false });
      a.fromKernel(aToB('slow'));
      await told(a, { kind: 'slow-path', slot: SLOT.b, frame: aToB('slow') });
    });

    it.each(['aes-256-gcm', 'chacha20-poly1305'] as const)(
      'reach the peer unchanged under %s',
      async (cipher) => {
        introduce({ cipher });
        a.fromKernel(aToB('one'));
        a.fromKernel(aToB('two'));
        await reached(b, aToB('one'));
        await reached(b, aToB('two'));
        const sent = a.datapath.stats().peers.get(SLOT.b);
        const received = b.datapath.stats().peers.get(SLOT.a);
        expect(sent?.sent).toEqual({ frames: 2, bytes: 2 * aToB('one').length });
        expect(received?.received).toEqual(sent?.sent);
        expect(received?.lastReceivedAgeMs).toBeGreaterThanOrEqual(0);
        expect(received?.lastSentAgeMs).toBeNull();
      },
    );

    it('come up as oversize when the path does not carry them', async () => {
      introduce();
      const fits = aToB('x'.repeat(900));
      const large = aToB('x'.repeat(901));
      a.datapath.setPath(SLOT.b, b.endpoint, fits.length);
      a.fromKernel(large);
      a.fromKernel(fits);
      await told(a, { kind: 'oversize', slot: SLOT.b, frame: large });
      await reached(b, fits);
      expect(a.datapath.sendFrame(SLOT.b, large)).toBe(true);
      await reached(b, large);
      expect(a.datapath.stats().drops).toEqual({});
      const larger = aToB('x'.repeat(902));
      a.datapath.setPath(SLOT.b, b.endpoint);
      a.fromKernel(larger);
      await reached(b, larger);
    });

    it('no longer go to a peer that was removed', async () => {
      introduce();
      a.datapath.removePeer(SLOT.b);
      a.datapath.removePeer(SLOT.b);
      a.fromKernel(aToB('gone'));
      await told(a, { kind: 'frame', why: 'unknown-destination', frame: aToB('gone') });
      expect(a.datapath.stats().peers.size).toBe(0);
    });
  });

  describe('frames from a peer', () => {
    it.each([
      [
        'source-mac-mismatch',
        () => ip4Packet({ from: { ...NODES.a, mac: STRANGER }, to: NODES.b, text: 'x' }),
      ],
      [
        'source-ip-mismatch',
        () => ip4Packet({ from: { ...NODES.a, ip4: '10.64.0.9' }, to: NODES.b, text: 'x' }),
      ],
      ['not-for-this-node', () => ip4Packet({ from: NODES.a, to: { ...NODES.b, mac: STRANGER }, text: 'x' })],
    ])('are dropped as %s', async (reason, make) => {
      introduce();
      expect(a.datapath.sendFrame(SLOT.b, make())).toBe(true);
      await dropped(b, reason);
      expect(b.datapath.deliver(SLOT.a, make())).toBe(false);
      await dropped(b, reason, 2);
    });

    it('are dropped when no session has their index', async () => {
      introduce();
      b.datapath.removePeer(SLOT.a);
      a.datapath.sendFrame(SLOT.b, aToB('late'));
      await dropped(b, 'packet-unknown-index');
    });

    it('are dropped when they are sealed with another key', async () => {
      introduce();
      const { ofA, ofB } = sessionPair();
      a.datapath.addSession(SLOT.b, { ...ofA, sendKey: new Uint8Array(32) });
      b.datapath.addSession(SLOT.a, ofB);
      a.datapath.useSession(SLOT.b);
      a.datapath.sendFrame(SLOT.b, aToB('forged'));
      await dropped(b, 'packet-not-authentic');
      expect(b.datapath.stats().peers.get(SLOT.a)?.lastReceivedAgeMs).toBeNull();
    });

    it('are taken on the previous session, and no longer on the one before', async () => {
      introduce();
      b.datapath.addSession(SLOT.a, sessionPair().ofB);
      a.datapath.sendFrame(SLOT.b, aToB('previous'));
      await reached(b, aToB('previous'));
      b.datapath.addSession(SLOT.a, sessionPair().ofB);
      a.datapath.sendFrame(SLOT.b, aToB('older'));
      await dropped(b, 'packet-unknown-index');
    });

    it('are sealed with new keys only when told so, and the keys before are wiped when told so', async () => {
      introduce();
      const { ofA, ofB } = sessionPair();
      a.datapath.addSession(SLOT.b, ofA);
      a.datapath.sendFrame(SLOT.b, aToB('with the old keys'));
      await reached(b, aToB('with the old keys'));
      b.datapath.addSession(SLOT.a, ofB);
      a.datapath.useSession(SLOT.b);
      a.datapath.useSession(SLOT.b);
      expect(a.datapath.stats().peers.get(SLOT.b)?.sealedPackets).toBe(0);
      a.datapath.sendFrame(SLOT.b, aToB('with the new keys'));
      await reached(b, aToB('with the new keys'));
      expect(a.datapath.stats().peers.get(SLOT.b)?.sealedPackets).toBe(1);
      b.datapath.sendFrame(SLOT.a, ip4Packet({ from: NODES.b, to: NODES.a, text: 'still old' }));
      await reached(a, ip4Packet({ from: NODES.b, to: NODES.a, text: 'still old' }));
      a.datapath.forgetPreviousSession(SLOT.b);
      b.datapath.sendFrame(SLOT.a, aToB('too old'));
      await dropped(a, 'packet-unknown-index');
    });

    it('tell of an endpoint that is not the path, and do not move the path', async () => {
      introduce();
      b.datapath.setPath(SLOT.a, null);
      a.datapath.sendFrame(SLOT.b, aToB('moved'));
      await told(b, { kind: 'heard', slot: SLOT.a, endpoint: a.endpoint });
      expect(b.datapath.sendFrame(SLOT.a, aToB('back'))).toBe(false);
    });
  });

  describe('probes', () => {
    it('come back as a reply with endpoint, id and time', async () => {
      introduce({ paths: false });
      a.datapath.sendProbe(SLOT.b, b.endpoint, 0xfedcba98);
      await told(a, { kind: 'probe-reply', slot: SLOT.b, endpoint: b.endpoint, id: 0xfedcba98 });
      const reply = a.events.find((event) => event.kind === 'probe-reply');
      expect(reply?.rttUs).toBeGreaterThanOrEqual(0);
      await told(b, { kind: 'heard', slot: SLOT.a, endpoint: a.endpoint });
    });

    it('come back short when they went out padded', async () => {
      introduce();
      a.datapath.sendProbe(SLOT.b, b.endpoint, 5, 1294);
      await told(a, { kind: 'probe-reply', slot: SLOT.b, endpoint: b.endpoint, id: 5 });
      expect(a.datapath.stats().drops).toEqual({});
      expect(b.datapath.stats().drops).toEqual({});
    });

    it('count a peer without a session', async () => {
      a.datapath.sendProbe(SLOT.b, b.endpoint, 1);
      await dropped(a, 'no-path');
    });
  });

  describe('calls of the controller', () => {
    it('deliver frames of its own and frames that came by the slow path', async () => {
      introduce();
      const own = ip4Packet({ from: { ...NODES.a, ip4: '10.64.0.7' }, to: NODES.b, text: 'own' });
      expect(b.datapath.deliver(null, own)).toBe(true);
      expect(b.datapath.deliver(SLOT.a, aToB('by frames channel'))).toBe(true);
      await reached(b, own);
      await reached(b, aToB('by frames channel'));
      expect(b.datapath.stats().toTap.frames).toBe(2);
    });

    it("deliver the frames of a turn in their order, and only those that bear their peer's addresses", async () => {
      introduce();
      const stranger = ip4Packet({ from: { ...NODES.a, ip4: '10.64.0.7' }, to: NODES.b, text: 'not of a' });
      const frames = Array.from({ length: 40 }, (_, at) => aToB(`${at} ${'x'.repeat(1000)}`));
      for (const frame of [...frames.slice(0, 20), stranger, ...frames.slice(20)])
        b.datapath.deliverSoon(SLOT.a, frame);
      b.datapath.deliverSoon(SLOT.a, new Uint8Array(20_000));
      b.datapath.deliverSoon(7, aToB('of nobody'));
      for (const frame of frames) await reached(b, frame);
      expect(b.datapath.stats().toTap.frames).toBe(40);
      expect(b.datapath.stats().drops).toMatchObject({ 'source-ip-mismatch': 1, 'frame-too-long': 1 });
    });

    it('are refused frames that no Ethernet has', async () => {
      introduce();
      const long = new Uint8Array(MTU_BYTES + 14 + 4 + 1);
      expect(a.datapath.deliver(null, new Uint8Array(13))).toBe(false);
      expect(a.datapath.sendFrame(SLOT.b, new Uint8Array(0))).toBe(false);
      expect(a.datapath.deliver(null, long)).toBe(false);
      expect(a.datapath.sendFrame(SLOT.b, long)).toBe(false);
      expect(a.datapath.stats().drops).toMatchObject({ 'frame-too-short': 2, 'frame-too-long': 2 });
    });

    it('say when there is no path', () => {
      introduce({ paths: false });
      expect(a.datapath.sendFrame(SLOT.b, aToB('x'))).toBe(false);
      expect(a.datapath.sendFrame(7, aToB('x'))).toBe(false);
      expect(a.datapath.stats().drops).toEqual({ 'no-path': 2 });
    });

    it('are refused what cannot stand beside the rest', () => {
      introduce();
      const { ofA } = sessionPair();
      a.datapath.addSession(SLOT.b, ofA);
      expect(() => a.datapath.addSession(SLOT.b, ofA)).toThrow(Refusal);
      expect(() => a.datapath.setPeer({ ...peer('b'), slot: 1 })).toThrow(Refusal);
      expect(() => a.datapath.addSession(7, sessionPair().ofA)).toThrow(Refusal);
      expect(() => a.datapath.setPath(7, b.endpoint)).toThrow(Refusal);
      expect(() => a.datapath.setPath(7, null)).not.toThrow();
    });

    it('keep the sessions of a peer whose addresses change, and not those of another node', async () => {
      introduce();
      b.datapath.setPeer({ ...peer('a'), ip4: '10.64.0.2' });
      a.datapath.sendFrame(SLOT.b, aToB('old address'));
      await dropped(b, 'source-ip-mismatch');
      b.datapath.setPeer({ ...peer('a'), mac: STRANGER });
      a.datapath.sendFrame(SLOT.b, aToB('other node'));
      await dropped(b, 'packet-unknown-index');
    });

    it('do nothing after close, which may be repeated', async () => {
      introduce();
      await a.datapath.close();
      await a.datapath.close();
      expect(a.datapath.sendFrame(SLOT.b, aToB('x'))).toBe(false);
      expect(a.datapath.deliver(null, aToB('x'))).toBe(false);
      expect(() => a.datapath.setPeer(peer('b'))).not.toThrow();
      expect(() => a.datapath.setPath(SLOT.b, b.endpoint)).not.toThrow();
      expect(a.datapath.stats().peers.size).toBe(0);
    });
  });
}
