/** A link as status and the control API show it. */
import type { LinkReport, LinkState } from '../ports/agent-control.ts';
import type { Membership } from '../ports/member-directory.ts';
import { SILENT_AFTER_MS } from './link-liveness.ts';
import type { LinkSession } from './link-session.ts';
import type { LinkTraffic } from './link-traffic.ts';

export interface LinkFacts {
  member: Membership;
  state: LinkState;
  /** Null while the link is not up. */
  session: LinkSession | null;
  traffic: LinkTraffic;
  setupMs: number | null;
  repeatedAttempts: number;
  ageMs: number;
  problem: string | null;
}

export function linkReport(facts: LinkFacts): LinkReport {
  const { session } = facts;
  const { nodeId: peer, name, ip4, ip6 } = facts.member;
  return {
    peer,
    name,
    ip4,
    ip6,
    state: facts.state,
    path: session?.path ?? null,
    candidates: session?.candidates() ?? null,
    endpoint: session?.fast.endpoint ?? null,
    cipher: session?.fast.cipher ?? null,
    generation: session?.fast.active ? session.fast.generation : null,
    rttMs: session?.rttMs() ?? null,
    setupMs: facts.setupMs,
    repeatedAttempts: facts.repeatedAttempts,
    ageMs: Math.round(facts.ageMs),
    ...facts.traffic.totals(),
    problem: session ? silence(session) : facts.problem,
  };
}

/** A healthy link is never this silent: its paths are asked before. */
function silence({ silentMs, condition }: LinkSession): string | null {
  if (silentMs < SILENT_AFTER_MS && condition !== 'lost') return null;
  return `the peer has not answered for ${Math.floor(silentMs / 1000)} s`;
}
