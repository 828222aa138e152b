/**
 * Negotiation of one link through signals: a pure machine, (state, event) -> (state, actions). Any signal may be lost,
 * repeated, late or reordered; both ends still come to one session, or to none.
 *
 *            wanted                    answer                    ready
 *    idle ----------> offering --------------> connecting ----------------> up
 *     | offer                                      ^                         |
 *     +--------------------------------------------+ <-----------------------+
 *     ^          (the peer's newer offer replaces whatever there is)         |
 *     +------- bye, failed, expired, close: from every state ----------------+
 *
 * Glare: while both offer, the offer of the lower node id wins; the other side drops its own and answers.
 * Retransmission: until the transport is ready, the last description (or our candidates, once our offer is answered) is
 * said again after 1, 2, 2 ... s with all candidates so far, so a lost message costs time only.
 * Stale: a session that ended is answered with bye; an offer older than the last one looked at is ignored.
 * Restart: who hears nothing of the peer any more asks it through the broker; one that restarted says bye at once.
 */
import type { Signal, SignalCandidate } from '../ports/signal-service.ts';
import { EMPTY_MEMORY, withEnded, withSequence } from './negotiation-memory.ts';
import type {
  Negotiation,
  NegotiationAction,
  NegotiationEvent,
  NegotiationStep,
} from './negotiation-types.ts';
import { freshCandidates, textsOf, withEarly } from './remote-candidates.ts';

const FIRST_REPEAT_MS = 1_000;
/** A peer that comes back hears of us within this time, whatever of its own it has to send. */
const LONGEST_REPEAT_MS = 2_000;
/** Long enough for ten repeats and a slow ICE with relays; then the attempt is given up and a new one may start. */
export const ATTEMPT_LIMIT_MS = 20_000;

export function startNegotiation(selfId: string, peerId: string, memory = EMPTY_MEMORY): Negotiation {
  return {
    selfId,
    peerId,
    phase: 'idle',
    session: null,
    role: 'offerer',
    sdp: null,
    candidates: [],
    remoteCandidates: [],
    early: null,
    repeats: 0,
    memory,
  };
}

/** One step. Events of sessions other than the current one change nothing. */
export function negotiate(state: Negotiation, event: NegotiationEvent): NegotiationStep {
  if (event.kind === 'wanted') return state.phase === 'idle' ? offer(state, event.session) : same(state);
  if (event.kind === 'signal') return receive(state, event.signal, event.sequence);
  const { session } = state;
  if (session === null) return same(state);
  if (event.kind === 'close') return end(state, session, event.reason, 'self');
  if (event.kind === 'silent') return { state, actions: [{ do: 'send', signal: { kind: 'ask', session } }] };
  if (event.session !== session) return same(state);
  switch (event.kind) {
    case 'described':
      return described(state, session, event.sdp, event.candidates);
    case 'gathered':
      return gathered(state, session, event.candidates);
    case 'ready':
      if (state.phase !== 'connecting') return same(state);
      return { state: { ...state, phase: 'up' }, actions: [{ do: 'disarm' }, { do: 'up', session }] };
    case 'failed':
      return end(state, session, event.reason, 'self');
    case 'retransmit':
      return repeat(state, session);
    case 'expired':
      return end(state, session, state.phase === 'offering' ? 'no-answer' : 'not-connected', 'self');
  }
}

function offer(state: Negotiation, session: string): NegotiationStep {
  const fresh = startNegotiation(state.selfId, state.peerId, state.memory);
  return {
    state: { ...fresh, phase: 'offering', session, early: state.early },
    actions: [
      { do: 'arm-expiry', session, delayMs: ATTEMPT_LIMIT_MS },
      { do: 'create-offer', session },
    ],
  };
}

function described(
  state: Negotiation,
  session: string,
  sdp: string,
  candidates: readonly SignalCandidate[],
): NegotiationStep {
  const next = { ...state, sdp, candidates, repeats: 0 };
  return {
    state: next,
    actions: [...say(next), { do: 'arm-retransmit', session, delayMs: FIRST_REPEAT_MS }],
  };
}

function gathered(state: Negotiation, session: string, more: readonly SignalCandidate[]): NegotiationStep {
  const next = { ...state, candidates: [...state.candidates, ...more] };
  // Before the description is out they travel with it.
  if (state.sdp === null || state.phase === 'up') return same(next);
  return {
    state: next,
    actions: [{ do: 'send', signal: { kind: 'candidates', session, candidates: [...more] } }],
  };
}

function repeat(state: Negotiation, session: string): NegotiationStep {
  if (state.phase === 'up') return same(state);
  const next = { ...state, repeats: state.repeats + 1 };
  const delayMs = Math.min(LONGEST_REPEAT_MS, FIRST_REPEAT_MS * 2 ** next.repeats);
  return { state: next, actions: [...say(next), { do: 'arm-retransmit', session, delayMs }] };
}

/** What the peer may not have heard yet. */
function say(state: Negotiation): NegotiationAction[] {
  const { session, sdp } = state;
  if (session === null || sdp === null) return [];
  const candidates = [...state.candidates];
  if (state.role === 'answerer')
    return [{ do: 'send', signal: { kind: 'answer', session, sdp, candidates } }];
  if (state.phase === 'offering')
    return [{ do: 'send', signal: { kind: 'offer', session, sdp, candidates } }];
  return candidates.length === 0 ? [] : [{ do: 'send', signal: { kind: 'candidates', session, candidates } }];
}

function receive(state: Negotiation, signal: Signal, sequence: number): NegotiationStep {
  const { session } = signal;
  if (session === state.session) return receiveCurrent(state, signal, sequence);
  if (signal.kind === 'bye') return byeOfAnother(state, session, signal.reason);
  if (state.memory.ended.includes(session)) return { state, actions: [bye(session, 'ended')] };
  if (signal.kind === 'candidates')
    return same({ ...state, early: { session, candidates: signal.candidates } });
  // Of something that we do not remember: a peer that waits for us must not wait in vain.
  if (signal.kind === 'answer' || signal.kind === 'ask')
    return { state: withEnded(state, session), actions: [bye(session, 'unknown-session')] };
  if (sequence <= state.memory.peerSequence) return same(state);
  const seen = withSequence(state, sequence);
  const oursWins = state.phase === 'offering' && state.selfId < state.peerId;
  return oursWins ? same(seen) : acceptOffer(seen, signal);
}

/** The end of a session may be known before the peer's reason for it: its bye comes while we are trying again. */
function byeOfAnother(state: Negotiation, session: string, reason: string): NegotiationStep {
  const unanswered = state.phase === 'idle' || state.phase === 'offering';
  const before = unanswered && state.memory.ended.at(-1) === session;
  return {
    state: withEnded(state, session),
    actions: before ? [{ do: 'ended-before', reason }] : [],
  };
}

function receiveCurrent(state: Negotiation, signal: Signal, sequence: number): NegotiationStep {
  switch (signal.kind) {
    case 'bye':
      return end(state, signal.session, signal.reason, 'peer');
    case 'ask':
      return same(state);
    case 'candidates':
      if (state.phase !== 'offering') return addCandidates(state, signal.session, signal.candidates);
      return same({ ...state, early: { session: signal.session, candidates: signal.candidates } });
    case 'offer': {
      // Our answer may be lost: say it again at once.
      if (state.role !== 'answerer' || state.phase === 'up') return same(state);
      const added = addCandidates(withSequence(state, sequence), signal.session, signal.candidates);
      return { state: added.state, actions: [...added.actions, ...say(state)] };
    }
    case 'answer':
      if (state.role !== 'offerer') return same(state);
      if (state.phase !== 'offering') return addCandidates(state, signal.session, signal.candidates);
      return acceptAnswer(withSequence(state, sequence), signal);
  }
}

function acceptOffer(state: Negotiation, signal: Extract<Signal, { kind: 'offer' }>): NegotiationStep {
  const { session, sdp } = signal;
  const old = state.session;
  const remembered = old === null ? state : withEnded(state, old);
  const candidates = withEarly(state, session, signal.candidates);
  const replaced: NegotiationAction[] =
    old === null
      ? []
      : [{ do: 'disarm' }, { do: 'drop-transport', session: old }, { do: 'replaced', session: old }];
  return {
    state: {
      ...startNegotiation(state.selfId, state.peerId, remembered.memory),
      phase: 'connecting',
      session,
      role: 'answerer',
      remoteCandidates: textsOf(candidates),
    },
    actions: [
      ...replaced,
      { do: 'arm-expiry', session, delayMs: ATTEMPT_LIMIT_MS },
      { do: 'create-answer', session, sdp, candidates },
    ],
  };
}

function acceptAnswer(state: Negotiation, signal: Extract<Signal, { kind: 'answer' }>): NegotiationStep {
  const { session, sdp } = signal;
  const candidates = withEarly(state, session, signal.candidates);
  return {
    state: { ...state, phase: 'connecting', repeats: 0, early: null, remoteCandidates: textsOf(candidates) },
    actions: [
      { do: 'accept-answer', session, sdp, candidates },
      { do: 'arm-retransmit', session, delayMs: FIRST_REPEAT_MS },
    ],
  };
}

function addCandidates(
  state: Negotiation,
  session: string,
  more: readonly SignalCandidate[],
): NegotiationStep {
  const fresh = freshCandidates(state, more);
  if (fresh.length === 0) return same(state);
  return {
    state: { ...state, remoteCandidates: [...state.remoteCandidates, ...textsOf(fresh)] },
    actions: [{ do: 'add-candidates', session, candidates: fresh }],
  };
}

function end(state: Negotiation, session: string, reason: string, by: 'self' | 'peer'): NegotiationStep {
  const { memory } = withEnded(state, session);
  const farewell = by === 'self' ? [bye(session, reason)] : [];
  return {
    state: startNegotiation(state.selfId, state.peerId, memory),
    actions: [
      { do: 'disarm' },
      ...farewell,
      { do: 'drop-transport', session },
      { do: 'down', session, reason, by },
    ],
  };
}

function bye(session: string, reason: string): NegotiationAction {
  return { do: 'send', signal: { kind: 'bye', session, reason: reason.slice(0, 64) } };
}

function same(state: Negotiation): NegotiationStep {
  return { state, actions: [] };
}
