import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Refusal } from '../../agent/errors.ts';
import { fingerprintOf } from '../../agent/links/link-connection.ts';
import type {
  PeerTransport,
  PeerTransportEvents,
  PeerTransportFactory,
} from '../../agent/ports/peer-transport.ts';

interface End {
  transport: PeerTransport;
  happened: string[];
  frames: Uint8Array[];
  sdp: string;
}

const soon = { timeout: 8_000, interval: 5 };

/** What every PeerTransport does; `open` makes a factory whose transports reach each other. */
export function peerTransportContract(open: () => PeerTransportFactory): void {
  describe('a pair of peer transports', () => {
    let factory: PeerTransportFactory;
    let ends: End[] = [];

    beforeEach(() => {
      factory = open();
    });

    afterEach(() => {
      for (const end of ends) end.transport.close();
      ends = [];
    });

    function end(
      onSdp: (type: 'offer' | 'answer', sdp: string) => void,
      onCandidate: (c: string, m: string) => void,
    ): End {
      const happened: string[] = [];
      const frames: Uint8Array[] = [];
      const events: PeerTransportEvents = {
        localDescription: (type, sdp) => {
          happened.push(type);
          made.sdp = sdp;
          onSdp(type, sdp);
        },
        localCandidate: onCandidate,
        gatheringDone: () => happened.push('gathered'),
        state: (state) => happened.push(state),
        ready: () => happened.push('ready'),
        control: (message) => happened.push(`control ${message}`),
        frame: (frame) => frames.push(frame),
      };
      const made: End = { transport: factory.create('peer', [], events), happened, frames, sdp: '' };
      ends.push(made);
      return made;
    }

    function pair(): [End, End] {
      const waiting: Array<[string, string]> = [];
      let answered = false;
      const a: End = end(
        (_type, sdp) => b.transport.acceptOffer(sdp),
        (candidate, mid) => b.transport.addRemoteCandidate(candidate, mid),
      );
      const b: End = end(
        (_type, sdp) => {
          a.transport.acceptAnswer(sdp);
          answered = true;
          for (const [candidate, mid] of waiting) a.transport.addRemoteCandidate(candidate, mid);
        },
        (candidate, mid) => {
          if (answered) a.transport.addRemoteCandidate(candidate, mid);
          else waiting.push([candidate, mid]);
        },
      );
      a.transport.offer();
      return [a, b];
    }

    const connected = (...both: End[]) =>
      vi.waitFor(() => {
        for (const one of both) expect(one.happened).toContain('ready');
      }, soon);

    it('becomes ready once, on both sides, after an offer and an answer', async () => {
      const [a, b] = pair();
      await connected(a, b);
      expect(a.happened.filter((name) => name === 'ready')).toHaveLength(1);
      expect(a.happened).toContain('offer');
      expect(b.happened).toContain('answer');
      expect(a.transport.selectedPair()).toMatchObject({
        localType: expect.stringMatching(/^(host|prflx)$/),
      });
    });

    it('presents the certificate whose fingerprint is in its description', async () => {
      const [a, b] = pair();
      await connected(a, b);
      expect(a.transport.remoteFingerprint()).toBe(fingerprintOf(b.sdp));
      expect(b.transport.remoteFingerprint()).toBe(fingerprintOf(a.sdp));
      expect(fingerprintOf(a.sdp)).not.toBe(fingerprintOf(b.sdp));
    });

    it('carries control messages in order, and frames that the sender may reuse at once', async () => {
      const [a, b] = pair();
      await connected(a, b);
      for (const text of ['1', '2', '3']) expect(a.transport.sendControl(text)).toBe('sent');
      const frame = Uint8Array.from({ length: 1400 }, (_, index) => index % 251);
      const original = frame.slice();
      expect(b.transport.sendFrame(frame)).toBe('sent');
      frame.fill(0);
      await vi.waitFor(() => {
        expect(b.happened.filter((name) => name.startsWith('control'))).toEqual([
          'control 1',
          'control 2',
          'control 3',
        ]);
        expect(a.frames.map((arrived) => [...arrived])).toEqual([[...original]]);
      }, soon);
    });

    it('carries each of many frames that were sent at once', async () => {
      const [a, b] = pair();
      await connected(a, b);
      const sent = Array.from({ length: 40 }, (_, index) => new Uint8Array(60 + index * 37).fill(index));
      for (const frame of sent) expect(a.transport.sendFrame(frame)).toBe('sent');
      await vi.waitFor(() => expect(b.frames).toHaveLength(sent.length), soon);
      const byFirst = b.frames
        .map((frame) => [...frame])
        .sort((one, other) => (one[0] ?? 0) - (other[0] ?? 0));
      expect(byFirst).toEqual(sent.map((frame) => [...frame]));
    });

    it('sends nothing before it is ready and nothing after close', async () => {
      const [a, b] = pair();
      expect(a.transport.sendControl('early')).toBe('closed');
      await connected(a, b);
      a.transport.close();
      expect(a.transport.sendControl('late')).toBe('closed');
      expect(a.transport.sendFrame(new Uint8Array(60))).toBe('closed');
      expect(a.transport.remoteFingerprint()).toBeNull();
      expect(a.transport.selectedPair()).toBeNull();
      expect(a.transport.bufferedBytes()).toBe(0);
      expect(() => a.transport.close()).not.toThrow();
      expect(() => a.transport.addRemoteCandidate('a=candidate:x', '0')).not.toThrow();
    });

    it('tells the other side that it closed, and hears nothing itself', async () => {
      const [a, b] = pair();
      await connected(a, b);
      const before = a.happened.length;
      a.transport.close();
      await vi.waitFor(() => expect(b.happened).toContain('closed'), soon);
      expect(a.happened).toHaveLength(before);
    });

    it('refuses a description that is none', () => {
      const lone = end(
        () => undefined,
        () => undefined,
      );
      expect(() => lone.transport.acceptOffer('this is no SDP')).toThrow(Refusal);
    });
  });
}
