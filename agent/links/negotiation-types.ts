/** The vocabulary of link-negotiation.ts: what it remembers, what happens to it, what it asks to be done. */
import type { Signal, SignalCandidate } from '../ports/signal-service.ts';

/** What outlives a link, so that late signals of old sessions are known for what they are. */
export interface NegotiationMemory {
  /** Highest sequence of an offer or answer of the peer's that was looked at; older offers are stale. */
  readonly peerSequence: number;
  /** Sessions that are over, newest last. */
  readonly ended: readonly string[];
}

export interface Negotiation {
  readonly selfId: string;
  readonly peerId: string;
  readonly phase: 'idle' | 'offering' | 'connecting' | 'up';
  readonly session: string | null;
  /** `offerer`: the session is ours. */
  readonly role: 'offerer' | 'answerer';
  /** Our own description, once the transport has made it, and all our candidates so far. */
  readonly sdp: string | null;
  readonly candidates: readonly SignalCandidate[];
  /** The peer's candidates that the transport has. */
  readonly remoteCandidates: readonly string[];
  /** Candidates that overtook their description. */
  readonly early: { readonly session: string; readonly candidates: readonly SignalCandidate[] } | null;
  /** Retransmissions of the current message. */
  readonly repeats: number;
  readonly memory: NegotiationMemory;
}

export type NegotiationEvent =
  /** A link is wanted; `session` is a fresh random name for the attempt. */
  | { kind: 'wanted'; session: string }
  /** The transport made our offer or answer. */
  | { kind: 'described'; session: string; sdp: string; candidates: readonly SignalCandidate[] }
  | { kind: 'gathered'; session: string; candidates: readonly SignalCandidate[] }
  | { kind: 'signal'; signal: Signal; sequence: number }
  /** The transport's channels are open and its fingerprint is the one that was signed. */
  | { kind: 'ready'; session: string }
  | { kind: 'failed'; session: string; reason: string }
  | { kind: 'retransmit'; session: string }
  /** Nothing is heard of the peer over a transport that was ready. */
  | { kind: 'silent' }
  /** The attempt's time is over. */
  | { kind: 'expired'; session: string }
  | { kind: 'close'; reason: string };

export type NegotiationAction =
  | { do: 'create-offer'; session: string }
  | { do: 'create-answer'; session: string; sdp: string; candidates: readonly SignalCandidate[] }
  | { do: 'accept-answer'; session: string; sdp: string; candidates: readonly SignalCandidate[] }
  | { do: 'add-candidates'; session: string; candidates: readonly SignalCandidate[] }
  | { do: 'drop-transport'; session: string }
  | { do: 'send'; signal: Signal }
  | { do: 'arm-retransmit'; session: string; delayMs: number }
  | { do: 'arm-expiry'; session: string; delayMs: number }
  /** Cancels both timers. */
  | { do: 'disarm' }
  | { do: 'up'; session: string }
  /** The peer's newer session takes this one's place. */
  | { do: 'replaced'; session: string }
  | { do: 'down'; session: string; reason: string; by: 'self' | 'peer' }
  /** The peer had ended the session before this attempt, which it has not answered yet. */
  | { do: 'ended-before'; reason: string };

export interface NegotiationStep {
  readonly state: Negotiation;
  readonly actions: readonly NegotiationAction[];
}
