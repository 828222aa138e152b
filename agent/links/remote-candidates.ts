/** Which of the peer's candidates a negotiation hands to its transport: each once, and not too many. */
import type { SignalCandidate } from '../ports/signal-service.ts';
import type { Negotiation } from './negotiation-types.ts';

const MAX_REMOTE_CANDIDATES = 64;

/** Those that the transport does not have yet. */
export function freshCandidates(state: Negotiation, more: readonly SignalCandidate[]): SignalCandidate[] {
  const known = new Set(state.remoteCandidates);
  return more.filter((entry) => !known.has(entry.candidate)).slice(0, MAX_REMOTE_CANDIDATES - known.size);
}

/** Those of a description, and those that overtook it. */
export function withEarly(
  state: Negotiation,
  session: string,
  listed: readonly SignalCandidate[],
): SignalCandidate[] {
  const early = state.early?.session === session ? state.early.candidates : [];
  const byText = new Map([...listed, ...early].map((entry) => [entry.candidate, entry]));
  return [...byText.values()].slice(0, MAX_REMOTE_CANDIDATES);
}

/** What candidates are known by. */
export function textsOf(candidates: readonly SignalCandidate[]): string[] {
  return candidates.map((entry) => entry.candidate);
}
