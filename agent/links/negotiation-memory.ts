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

/** Peers whose ended sessions are remembered after their link is gone. */
const MAX_MEMORIES = 1024;

/** What is remembered of peers without a link, the oldest forgotten first. */
export class NegotiationMemories {
  readonly #memories = new Map<string, NegotiationMemory>();

  of(nodeId: string): NegotiationMemory {
    return this.#memories.get(nodeId) ?? EMPTY_MEMORY;
  }

  keep(nodeId: string, memory: NegotiationMemory): void {
    this.#memories.delete(nodeId);
    this.#memories.set(nodeId, memory);
    const oldest = this.#memories.keys().next();
    if (this.#memories.size > MAX_MEMORIES && !oldest.done) this.#memories.delete(oldest.value);
  }
}
