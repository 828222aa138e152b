import { afterAll, describe, expect, it, vi } from 'vitest';
import { NodeDatachannelFactory } from '../../agent/adapters/node-datachannel-transport.ts';
import { Refusal } from '../../agent/errors.ts';
import type { PeerTransportEvents } from '../../agent/ports/peer-transport.ts';
import { FakePeerTransportFactory } from '../fakes/fake-peer-transport.ts';
import { RecordingLog } from '../fakes/recording-log.ts';
import { peerTransportContract } from './peer-transport.suite.ts';

const silent: PeerTransportEvents = {
  localDescription: () => undefined,
  localCandidate: () => undefined,
  gatheringDone: () => undefined,
  state: () => undefined,
  ready: () => undefined,
  control: () => undefined,
  frame: () => undefined,
};

describe('FakePeerTransport', () => {
  peerTransportContract(() => new FakePeerTransportFactory());
});

describe('node-datachannel', () => {
  const log = new RecordingLog();
  const real = (isOverlayAddress: (address: string) => boolean = () => false) =>
    new NodeDatachannelFactory({ isOverlayAddress, log });

  afterAll(() => real().close());

  peerTransportContract(() => real());

  it('has fresh ICE credentials and a certificate of its own for every link', async () => {
    const sdps: string[] = [];
    const factory = real();
    const made = [1, 2].map(() =>
      factory.create('peer', [], { ...silent, localDescription: (_type, sdp) => sdps.push(sdp) }),
    );
    for (const transport of made) transport.offer();
    await vi.waitFor(() => expect(sdps).toHaveLength(2), { timeout: 5000 });
    for (const field of [/a=ice-ufrag:(\S+)/, /a=ice-pwd:(\S+)/, /a=fingerprint:sha-256 (\S+)/]) {
      const [one, two] = sdps.map((sdp) => field.exec(sdp)?.[1]);
      expect(one).toMatch(/.{4,}/);
      expect(one).not.toBe(two);
    }
    for (const transport of made) transport.close();
  });

  it('tells of no candidate inside the overlay', async () => {
    const seen: string[] = [];
    const all = await new Promise<string[]>((resolve) => {
      const transport = real((address) => {
        seen.push(address);
        return true;
      }).create('peer', [], {
        ...silent,
        localCandidate: (candidate) => told.push(candidate),
        gatheringDone: () => {
          transport.close();
          resolve(told);
        },
      });
      const told: string[] = [];
      transport.offer();
    });
    expect(seen.length).toBeGreaterThan(0);
    expect(all).toEqual([]);
  });

  it('drops frames once its bound of waiting bytes is reached', async () => {
    const factory = real();
    const frame = new Uint8Array(1400);
    const results = new Set<string>();
    await new Promise<void>((resolve) => {
      const b = factory.create('b', [], {
        ...silent,
        localDescription: (_type, sdp) => a.acceptAnswer(sdp),
      });
      const a = factory.create('a', [], {
        ...silent,
        localDescription: (_type, sdp) => b.acceptOffer(sdp),
        localCandidate: (candidate, mid) => b.addRemoteCandidate(candidate, mid),
        ready: () => {
          for (let sent = 0; sent < 20_000; sent++) results.add(a.sendFrame(frame));
          expect(a.bufferedBytes()).toBeLessThan(300 * 1024);
          a.close();
          b.close();
          resolve();
        },
      });
      a.offer();
    });
    expect([...results].sort()).toEqual(['full', 'sent']);
  });

  it('says which ICE server it cannot use, without its password', () => {
    const make = () => real().create('peer', ['turn:user:secret@:nonsense'], silent);
    expect(make).toThrow(Refusal);
    expect(make).not.toThrow(/secret/);
  });
});
