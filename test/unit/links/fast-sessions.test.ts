import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReceiveIndexes } from '../../../agent/links/fast-keys.ts';
import { FastSessions, type RekeyLimits } from '../../../agent/links/fast-sessions.ts';
import type { FastSession, PeerTraffic } from '../../../agent/ports/datapath.ts';
import { decodeLinkControl, encodeLinkControl } from '../../../agent/wire/link-control.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';

const LIMITS: RekeyLimits = { afterMs: 120_000, afterPackets: 1_000 };

/** One side: its sessions, the datapath's keys as a model, and what it said and the other has not heard yet. */
class End {
  readonly sessions: FastSessions;
  readonly clock: ManualClock;
  readonly wire: string[] = [];
  readonly keysGiven: Uint8Array[] = [];
  receiving: FastSession[] = [];
  sending: FastSession | null = null;
  next: FastSession | null = null;
  frames = 0;
  sealed = 0;

  constructor(clock: ManualClock, aesHardware = true) {
    this.clock = clock;
    this.sessions = new FastSessions({
      slot: 0,
      clock,
      indexes: new ReceiveIndexes(),
      aesHardware,
      limits: LIMITS,
      ownEndpoints: () => [{ address: '192.0.2.1', port: 1 }],
      send: (message) => void this.wire.push(encodeLinkControl(message)),
      datapath: {
        addSession: (_slot, given) => {
          const session = { ...given, receiveKey: given.receiveKey.slice(), sendKey: given.sendKey.slice() };
          this.keysGiven.push(given.receiveKey, given.sendKey);
          this.receiving = [session, ...this.receiving].slice(0, 2);
          if (this.sending) this.next = session;
          else this.sending = session;
        },
        useSession: () => {
          if (!this.next) return;
          this.sending = this.next;
          this.next = null;
          this.sealed = 0;
        },
        forgetPreviousSession: () => void this.receiving.splice(1),
      },
    });
  }

  hear(text: string): void {
    const message = decodeLinkControl(text);
    if (message?.type === 'fast-offer') this.sessions.receiveOffer(message);
    else if (message?.type === 'fast-ready') this.sessions.receiveReady(message);
  }

  /** True where the other side could open what this one seals now. */
  reaches(other: End): boolean {
    const sending = this.sending;
    this.frames++;
    this.sealed++;
    return other.receiving.some(
      (session) =>
        session.receiveIndex === sending?.sendIndex &&
        Buffer.from(session.receiveKey).equals(sending.sendKey),
    );
  }

  tick(): void {
    const traffic: PeerTraffic = {
      sent: { frames: this.frames, bytes: 0 },
      received: { frames: 0, bytes: 0 },
      sealedPackets: this.sealed,
      lastSentAgeMs: 0,
      lastReceivedAgeMs: 0,
    };
    this.sessions.tick(this.clock.monotonicMs(), traffic);
  }
}

function deliverAll(a: End, b: End): void {
  while (a.wire.length > 0 || b.wire.length > 0) {
    const [toB, toA] = [a.wire.shift(), b.wire.shift()];
    if (toB !== undefined) b.hear(toB);
    if (toA !== undefined) a.hear(toA);
  }
}

function pair(): [End, End, ManualClock] {
  const clock = new ManualClock();
  const [a, b] = [new End(clock), new End(clock)];
  a.sessions.offer();
  b.sessions.offer();
  deliverAll(a, b);
  return [a, b, clock];
}

const generations = (...ends: End[]) => ends.map((end) => end.sessions.generation);

describe('the keys of the fast path', () => {
  it('are agreed once at the start', () => {
    const [a, b] = pair();
    expect(generations(a, b)).toEqual([1, 1]);
    expect([a.reaches(b), b.reaches(a)]).toEqual([true, true]);
  });

  it('are replaced after two minutes of use, and not without use', async () => {
    const [a, b, clock] = pair();
    a.tick();
    await clock.advance(300_000);
    a.tick();
    deliverAll(a, b);
    expect(generations(a, b)).toEqual([1, 1]);
    a.reaches(b);
    a.tick();
    deliverAll(a, b);
    expect(generations(a, b)).toEqual([2, 2]);
    a.tick();
    deliverAll(a, b);
    expect(generations(a, b)).toEqual([2, 2]);
  });

  it('are replaced by count, long before a counter could run out', () => {
    const [a, b] = pair();
    a.tick();
    a.sealed = LIMITS.afterPackets - 1;
    a.tick();
    deliverAll(a, b);
    expect(generations(a, b)).toEqual([1, 1]);
    a.sealed++;
    a.tick();
    a.tick();
    deliverAll(a, b);
    expect(generations(a, b)).toEqual([2, 2]);
    expect([a.sealed, b.sealed]).toEqual([0, 0]);
  });

  it('end in one generation when both start a new one at once', () => {
    const [a, b] = pair();
    a.sessions.offer();
    b.sessions.offer();
    deliverAll(a, b);
    expect(generations(a, b)).toEqual([2, 2]);
    expect([a.reaches(b), b.reaches(a)]).toEqual([true, true]);
    expect([a.next, b.next]).toEqual([null, null]);
  });

  it('lose no packet, whatever the order of messages, frames and new generations', () => {
    const step = fc.constantFrom('a says', 'b says', 'a sends', 'b sends', 'a renews', 'b renews');
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const [a, b] = pair();
        for (const one of steps) {
          const [self, other] = one.startsWith('a') ? [a, b] : [b, a];
          if (one.endsWith('sends')) expect(self.reaches(other)).toBe(true);
          else if (one.endsWith('says')) other.hear(self.wire.shift() ?? '');
          else {
            self.sealed = LIMITS.afterPackets;
            self.tick();
          }
        }
        deliverAll(a, b);
        expect(a.sessions.generation).toBe(b.sessions.generation);
        expect([a.reaches(b), b.reaches(a)]).toEqual([true, true]);
      }),
      { numRuns: 1000 },
    );
  });

  it('are forgotten a little after nobody seals with them any more, and wiped where they passed', async () => {
    const [a, b, clock] = pair();
    a.sessions.offer();
    deliverAll(a, b);
    expect([a.receiving.length, b.receiving.length]).toEqual([2, 2]);
    await clock.advance(5_000);
    expect([a.receiving.length, b.receiving.length]).toEqual([1, 1]);
    for (const key of [...a.keysGiven, ...b.keysGiven]) expect(key.every((byte) => byte === 0)).toBe(true);
    a.sessions.stop();
    b.sessions.stop();
    expect(clock.pending()).toBe(0);
  });

  it('stay those of the first generation with a peer that knows no others', async () => {
    const clock = new ManualClock();
    const fresh = new End(clock);
    fresh.sessions.offer();
    const old = new End(clock);
    old.sessions.offer();
    fresh.hear(old.wire.shift() ?? '');
    old.hear(fresh.wire.shift() ?? '');
    // It says nothing of fast-ready, and takes no second offer.
    old.wire.length = 0;
    fresh.wire.length = 0;
    await clock.advance(600_000);
    fresh.reaches(old);
    fresh.tick();
    fresh.reaches(old);
    fresh.tick();
    expect(fresh.wire).toEqual([]);
    expect([fresh.reaches(old), old.reaches(fresh)]).toEqual([true, true]);
    expect(generations(fresh, old)).toEqual([1, 1]);
  });

  it('meet again at the higher generation when one side is behind', () => {
    const [a, b] = pair();
    a.sessions.offer();
    a.wire.length = 0;
    a.sessions.offer();
    b.sessions.offer();
    deliverAll(a, b);
    expect(generations(a, b)).toEqual([3, 3]);
    expect([a.reaches(b), b.reaches(a)]).toEqual([true, true]);
  });
});
