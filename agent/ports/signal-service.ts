import type { Membership } from './member-directory.ts';

/** Signals between two nodes, sealed and signed end to end over the bus; delivery is best effort, order is not kept. */
export interface SignalService {
  /** Resolves when the broker took it. A caller retries until the peer reacts; a repeat is harmless. */
  send(to: Membership, signal: Signal): Promise<void>;
  /**
   * Authentic signals only: sealed to us, signed by a member of the fleet, not a replay. `sequence` rises with every
   * signal that the sender ever made, so that late ones can be told from new ones.
   */
  onSignal(listener: (from: Membership, signal: Signal, sequence: number) => void): void;
}

/** `session` names one attempt at a link: 16 random bytes in hex, chosen by the offering side. */
export type Signal =
  | { kind: 'offer'; session: string; sdp: string; candidates: SignalCandidate[] }
  | { kind: 'answer'; session: string; sdp: string; candidates: SignalCandidate[] }
  | { kind: 'candidates'; session: string; candidates: SignalCandidate[] }
  /** Is this session still there? Answered only where it is not, by a bye: the other side may have restarted. */
  | { kind: 'ask'; session: string }
  | { kind: 'bye'; session: string; reason: string };

export interface SignalCandidate {
  candidate: string;
  mid: string;
}
