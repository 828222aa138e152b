/**
 * What the agent tells and does for its owner on the machine itself: the whole control API (`/v1` on the unix socket)
 * and everything the CLI prints. All of it is JSON.
 */
export interface AgentControl {
  status(): StatusReport;
  links(): LinkReport[];
  /** `target`: a member's name, node id, IPv4 or IPv6 address. Throws Refusal('not-a-member', …). */
  createLink(target: string): Promise<LinkReport>;
  /** Closes the link; it comes back when traffic asks for it. Throws Refusal('no-such-link', …). */
  trimLink(target: string): Promise<LinkReport>;
  /** One probe over the link, which is created where there is none. Throws Refusal('no-answer' | 'not-a-member', …). */
  ping(target: string, timeoutMs: number): Promise<PingReport>;
  /** The members of the fleet that this node knows or learns of now, itself too, by name. */
  members(): Promise<MemberReport[]>;
  /** One of them, by name, node id or address; this node itself too. Throws Refusal('not-a-member', …). */
  member(target: string): Promise<MemberReport>;
  /** Happenings from now on, as they come. Returns how to stop listening. */
  subscribe(listener: (event: AgentEvent) => void): () => void;
}

/** `at` is wall-clock Unix milliseconds; `name` is an event of the log (`link.up`, `config.committed`). */
export interface AgentEvent {
  at: number;
  name: string;
  fields: Record<string, string | number | boolean | null>;
}

export interface StatusReport {
  version: string;
  /** `unclaimed`: no claim and no identity; `enrolling`: asking for admission; `provisioned`: a config is committed. */
  phase: 'unclaimed' | 'enrolling' | 'provisioned';
  /** Why it does not get on, in one sentence; null when all is well. */
  problem: string | null;
  uptimeMs: number;
  node: {
    id: string;
    name: string | null;
    fleet: string | null;
    ip4: string | null;
    ip6: string | null;
    mac: string;
  };
  broker: { url: string | null; connected: boolean; problem: string | null };
  config: { serial: number; state: string; committedAt: number | null; refused: ConfigRefusal | null } | null;
  clock: { synchronised: boolean; floor: number; freshAgeMs: number | null };
  datapath: DatapathReport | null;
  links: LinkReport[];
  /** `followers`: clients of event streams, WebSockets and CoAP observations. */
  sensors: { count: number; stale: number; actuators: number; followers: number; listening: string[] };
  socket: string;
}

/** The last config that was refused, and why. */
export interface ConfigRefusal {
  serial: number | null;
  reason: string;
  problem: string;
}

export interface DatapathReport {
  tap: string;
  mtuBytes: number;
  udpPort: number;
  fromTap: { frames: number; bytes: number };
  toTap: { frames: number; bytes: number };
  /** Drop reason -> count, those that happened only. */
  drops: Record<string, number>;
}

export type LinkState = 'connecting' | 'up' | 'closing' | 'failed';

export interface LinkReport {
  peer: string;
  name: string;
  ip4: string;
  ip6: string;
  state: LinkState;
  /** Which way frames go now; null until the link is up. */
  path: 'fast' | 'slow' | null;
  /** ICE candidate types of the PeerConnection, ours and the peer's. */
  candidates: { local: string; remote: string } | null;
  /** Underlay endpoint of the fast path. */
  endpoint: string | null;
  cipher: string | null;
  /** How often keys of the fast path were agreed on this link; null without a fast path. */
  generation: number | null;
  rttMs: number | null;
  /** From the request to the first moment the link could carry a frame. */
  setupMs: number | null;
  /** Attempts that the transport's library failed for nothing, each repeated at once. */
  repeatedAttempts: number;
  ageMs: number;
  sent: { frames: number; bytes: number };
  received: { frames: number; bytes: number };
  problem: string | null;
}

export interface MemberReport {
  id: string;
  name: string;
  ip4: string;
  ip6: string;
  tags: string[];
  /** This is the node that is asked. */
  self: boolean;
  /** Where its sensors are served, if they are: `http://10.64.0.3/`. The fleet's port, as in this node's own config. */
  sensors: string;
}

export interface PingReport {
  peer: string;
  name: string;
  path: 'fast' | 'slow';
  rttMs: number;
}
