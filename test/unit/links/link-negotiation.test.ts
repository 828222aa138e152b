import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ATTEMPT_LIMIT_MS, negotiate, startNegotiation } from '../../../agent/links/link-negotiation.ts';
import type { Negotiation, NegotiationEvent } from '../../../agent/links/negotiation-types.ts';
import { type Faults, NegotiationWorld } from './negotiation-world.ts';

const LOW = 'aaaaaaaaaaaaaaaa';
const HIGH = 'bbbbbbbbbbbbbbbb';

function run(state: Negotiation, ...events: NegotiationEvent[]) {
  return events.reduce(
    (step, event) => {
      const next = negotiate(step.state, event);
      return { state: next.state, actions: [...step.actions, ...next.actions] };
    },
    { state, actions: [] } as {
      state: Negotiation;
      actions: ReturnType<typeof negotiate>['actions'][number][];
    },
  );
}

const offering = (self: string, peer: string) =>
  run(
    startNegotiation(self, peer),
    { kind: 'wanted', session: 'mine' },
    { kind: 'described', session: 'mine', sdp: 'my offer', candidates: [] },
  ).state;
const theirOffer = (sequence: number, session = 'theirs'): NegotiationEvent => ({
  kind: 'signal',
  sequence,
  signal: { kind: 'offer', session, sdp: 'their offer', candidates: [] },
});
const theirAnswer = (sequence: number): NegotiationEvent => ({
  kind: 'signal',
  sequence,
  signal: { kind: 'answer', session: 'mine', sdp: 'their answer', candidates: [] },
});

describe('link negotiation', () => {
  it('tells why the session before ended, until the peer has answered the one after it', () => {
    const bye: NegotiationEvent = {
      kind: 'signal',
      sequence: 5,
      signal: { kind: 'bye', session: 'before', reason: 'closed' },
    };
    const ended = { peerSequence: 4, ended: ['long before', 'before'] };
    const idle = startNegotiation(LOW, HIGH, ended);
    const tells = [{ do: 'ended-before', reason: 'closed' }];
    expect(run(idle, bye).actions).toEqual(tells);
    const open = run(idle, { kind: 'wanted', session: 'mine' }).state;
    expect(run(open, bye).actions).toEqual(tells);
    expect(run(run(open, theirAnswer(6)).state, bye).actions).toEqual([]);
    expect(run(run(idle, theirOffer(6)).state, bye).actions).toEqual([]);
    const older = { ...bye, signal: { ...bye.signal, session: 'long before' } };
    expect(run(open, older).actions).toEqual([]);
  });

  it('ignores the peer’s offer while its own, of the lower node id, is open', () => {
    const step = run(offering(LOW, HIGH), theirOffer(5));
    expect(step.state.session).toBe('mine');
    expect(step.actions).toEqual([]);
  });

  it('drops its own offer and answers when the peer has the lower node id', () => {
    const step = run(offering(HIGH, LOW), theirOffer(5));
    expect(step.state).toMatchObject({ session: 'theirs', role: 'answerer', phase: 'connecting' });
    expect(step.actions.map((action) => action.do)).toEqual([
      'disarm',
      'drop-transport',
      'replaced',
      'arm-expiry',
      'create-answer',
    ]);
  });

  it('takes a newer offer of a peer that answered before: it has restarted', () => {
    const step = run(offering(LOW, HIGH), theirAnswer(5), theirOffer(6));
    expect(step.state).toMatchObject({ session: 'theirs', phase: 'connecting' });
  });

  it('ignores an offer that is older than the answer', () => {
    const step = run(offering(LOW, HIGH), theirAnswer(5), { kind: 'ready', session: 'mine' }, theirOffer(4));
    expect(step.state).toMatchObject({ session: 'mine', phase: 'up' });
  });

  it('says bye to an offer of a session that has ended', () => {
    const bye: NegotiationEvent = {
      kind: 'signal',
      sequence: 6,
      signal: { kind: 'bye', session: 'theirs', reason: 'idle' },
    };
    const step = run(startNegotiation(LOW, HIGH), bye, theirOffer(5));
    expect(step.state.phase).toBe('idle');
    expect(step.actions).toEqual([
      { do: 'send', signal: { kind: 'bye', session: 'theirs', reason: 'ended' } },
    ]);
  });

  it('keeps candidates that overtake their offer', () => {
    const early = { candidate: 'candidate:1', mid: '0' };
    const step = run(
      startNegotiation(LOW, HIGH),
      { kind: 'signal', sequence: 2, signal: { kind: 'candidates', session: 'theirs', candidates: [early] } },
      theirOffer(1),
    );
    expect(step.actions).toContainEqual(
      expect.objectContaining({ do: 'create-answer', session: 'theirs', candidates: [early] }),
    );
  });

  it('gives up an unanswered attempt and says so', () => {
    const step = run(offering(LOW, HIGH), { kind: 'expired', session: 'mine' });
    expect(step.state.phase).toBe('idle');
    expect(step.actions).toContainEqual({ do: 'down', session: 'mine', reason: 'no-answer', by: 'self' });
    expect(ATTEMPT_LIMIT_MS).toBeGreaterThan(10_000);
  });

  it('repeats its offer with every candidate every two seconds', () => {
    let state = offering(LOW, HIGH);
    const delays: number[] = [];
    for (let repeat = 0; repeat < 3; repeat++) {
      const step = negotiate(state, { kind: 'retransmit', session: 'mine' });
      state = step.state;
      expect(step.actions[0]).toMatchObject({ do: 'send', signal: { kind: 'offer', sdp: 'my offer' } });
      for (const action of step.actions) if (action.do === 'arm-retransmit') delays.push(action.delayMs);
    }
    expect(delays).toEqual([2000, 2000, 2000]);
  });
});

const faults: fc.Arbitrary<Faults> = fc.record({
  seed: fc.integer(),
  lossPercent: fc.integer({ min: 0, max: 60 }),
  repeatPercent: fc.integer({ min: 0, max: 40 }),
  longestDelayMs: fc.integer({ min: 1, max: 3000 }),
});

describe('a question after a session', () => {
  const silent = (state: Negotiation) => negotiate(state, { kind: 'silent' }).actions;
  const ask = (session: string): NegotiationEvent => ({
    kind: 'signal',
    sequence: 9,
    signal: { kind: 'ask', session },
  });

  it('is asked of a session only', () => {
    expect(silent(startNegotiation('a', 'b'))).toEqual([]);
  });

  it('is answered by a bye where the session is not known, and changes nothing where it is', () => {
    const idle = startNegotiation('a', 'b');
    const bye = { kind: 'bye', session: 'theirs', reason: 'unknown-session' };
    expect(negotiate(idle, ask('theirs')).actions).toEqual([{ do: 'send', signal: bye }]);
    const offering = negotiate(idle, { kind: 'wanted', session: 'mine' }).state;
    expect(negotiate(offering, ask('mine'))).toEqual({ state: offering, actions: [] });
    const asked = negotiate(offering, ask('theirs'));
    expect(asked.actions).toEqual([{ do: 'send', signal: bye }]);
    expect(asked.state).toMatchObject({ phase: 'offering', session: 'mine' });
    expect(silent(offering)).toEqual([{ do: 'send', signal: { kind: 'ask', session: 'mine' } }]);
  });
});

describe('two machines over a channel that loses, repeats and reorders', () => {
  it('end with exactly one session that both agree on', () => {
    fc.assert(
      fc.property(
        faults,
        fc.integer({ min: 0, max: 400 }),
        fc.constantFrom('low', 'high', 'both'),
        fc.option(fc.record({ atMs: fc.integer({ min: 0, max: 30_000 }), who: fc.constantFrom(0, 1) })),
        (given, apartMs, who, restart) => {
          const world = new NegotiationWorld(given, [LOW, HIGH]);
          if (who !== 'high') world.want(0, 0);
          if (who !== 'low') world.want(1, apartMs);
          // A node that forgets everything, and its peer's transport that notices, or not, before the new offer.
          if (restart) world.restart(restart.who, restart.atMs);
          world.run(40_000);
          world.heal();
          world.run(200_000);
          expect(world.phases()).toEqual(['up', 'up']);
          expect(world.sessions()[0]).toBe(world.sessions()[1]);
          expect(world.openTransports()).toBe(2);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('are both idle in the end, with no transport left, after one said bye', () => {
    fc.assert(
      fc.property(
        faults,
        fc.integer({ min: 0, max: 20_000 }),
        fc.constantFrom(0, 1),
        (given, afterMs, who) => {
          const world = new NegotiationWorld(given, [LOW, HIGH]);
          world.want(0, 0);
          world.want(1, 10);
          world.run(40_000);
          world.heal();
          world.run(200_000);
          expect(world.phases()).toEqual(['up', 'up']);
          world.spoil(given);
          world.bye(who, afterMs);
          world.run(40_000);
          world.heal();
          world.run(200_000);
          expect(world.phases()).toEqual(['idle', 'idle']);
          expect(world.openTransports()).toBe(0);
        },
      ),
      { numRuns: 300 },
    );
  });
});
