/** What the demo found out; `npm run demo -- --json` prints one of these objects. */
import type { LinkState } from '../../agent/ports/agent-control.ts';
import type { LabMode } from '../lab/prerequisites.ts';

export interface DemoReport {
  ok: true;
  /** Real network namespaces, or all of it inside one unprivileged user namespace. */
  mode: LabMode;
  /** From the start of a device's agent with its claim to the first /sensors over the overlay; the slower device's. */
  claimToReachableMs: number;
  /** From asking for a link to its first frame, as the agents measured it; the slowest link's. */
  linkUpMs: number;
  /** The whole demo, from nothing to this report. */
  totalMs: number;
  laptop: DemoMember;
  devices: DemoMember[];
  links: DemoLink[];
  sensors: DemoSensor[];
  /** Every page that was fetched over the overlay. */
  fetches: DemoFetch[];
  /** With --keep only: how to use the hosts. */
  hosts?: DemoHost[];
}

export interface DemoFailureReport {
  ok: false;
  /** The step that failed, in the words that the demo shows. */
  step: string;
  error: string;
  /** The last lines of the processes that the step has to do with. */
  log: string[];
}

export interface DemoMember {
  name: string;
  nodeId: string;
  ip4: string;
  ip6: string;
}

export interface DemoLink {
  from: string;
  to: string;
  state: LinkState;
  path: 'fast' | 'slow' | null;
  /** ICE candidate types, of `from` and `to`. */
  candidates: { local: string; remote: string } | null;
  rttMs: number | null;
}

export interface DemoSensor {
  device: string;
  id: string;
  value: number | string | boolean | null;
  unit: string | null;
}

export interface DemoFetch {
  from: string;
  to: string;
  url: string;
  status: number;
}

export interface DemoHost {
  name: string;
  ip4: string;
  ip6: string;
  /** The command that runs what is appended to it on this host. */
  enter: string[];
  /** The agent's control socket. */
  socket: string;
  underlay: string;
}
