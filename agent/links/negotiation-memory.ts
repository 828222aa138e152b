/** What a negotiation remembers of a peer beyond the current session; see link-negotiation.ts. */
import type { Negotiation, NegotiationMemory } from './negotiation-types.ts';

/** Ended sessions remembered per peer: signals of older ones are long expired on the broker. */
const MAX_ENDED = 16;

export const EMPTY_MEMORY: NegotiationMemory = { peerSequence: -1, ended: [] };

export function withEnded(state: Negotiation, session: string): Negotiation {
  if (state.memory.ended.includes(session)) return state;
  const ended = [...state.memory.ended, session].slice(-MAX_ENDED);
  return { ...state, memory: { ...state.memory, ended } };
}

export function withSequence(state: Negotiation, sequence: number): Negotiation {
  const peerSequence = Math.max(state.memory.peerSequence, sequence);
  return { ...state, memory: { ...state.memory, peerSequence } };
}
