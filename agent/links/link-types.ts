/** What links are built from, and what they tell their manager. */

import type { Clock } from '../ports/clock.ts';
import type { Datapath, Endpoint } from '../ports/datapath.ts';
import type { HostNetwork } from '../ports/host-network.ts';
import type { Log } from '../ports/log.ts';
import type { Membership } from '../ports/member-directory.ts';
import type { PeerTransportFactory } from '../ports/peer-transport.ts';
import type { Signal, SignalService } from '../ports/signal-service.ts';
import type { ReceiveIndexes } from './fast-keys.ts';
import type { RekeyLimits } from './fast-sessions.ts';
import type { NegotiationMemory } from './negotiation-types.ts';

/** The part of the datapath that links program. */
export type LinkDatapath = Pick<
  Datapath,
  | 'udpPort'
  | 'setPeer'
  | 'removePeer'
  | 'addSession'
  | 'useSession'
  | 'forgetPreviousSession'
  | 'setPath'
  | 'sendFrame'
  | 'sendProbe'
  | 'sendStun'
  | 'stats'
>;

export interface LinkManagerOptions {
  self: { nodeId: string };
  signals: SignalService;
  transports: PeerTransportFactory;
  datapath: LinkDatapath;
  host: HostNetwork;
  /** AES-256-GCM is the quicker cipher on this CPU. */
  aesHardware: boolean;
  /** When keys of the fast path are replaced; left out: REKEY_LIMITS. */
  rekey?: RekeyLimits;
  /** `stun:host:port`, `turn:user:password@host:port`. */
  iceServers: readonly string[];
  /** The addresses of a server's name; left out: only numeric addresses are known. */
  resolve?: (host: string) => Promise<string[]>;
  /** MTU of the TAP: what the fast path is to carry if it can. */
  mtuBytes: number;
  /** A link that neither side used this long closes; 0: never. */
  idleCloseMs: number;
  /** True for the overlay's own addresses, which no underlay path may use. */
  isOverlayAddress(address: string): boolean;
  clock: Clock;
  log: Log;
  /** Uniform in [0, 1), for jitter. */
  random?: () => number;
}

export type LinkFields = Record<string, string | number | boolean | null>;

/** What a link tells its manager. */
export interface LinkEvents {
  up(): void;
  /** Was up and is not any more; the link may be trying again. */
  down(reason: string): void;
  frame(frame: Uint8Array): void;
  /** The link is over and wants its slot freed. */
  over(reason: string): void;
  happened(name: string, fields: LinkFields): void;
}

/** What one link is made of. */
export interface LinkParts {
  options: LinkManagerOptions;
  indexes: ReceiveIndexes;
  slot: number;
  member: Membership;
  memory: NegotiationMemory;
  /** Our endpoints as the world sees them. */
  reflexive(): Endpoint[];
  events: LinkEvents;
  send(signal: Signal): void;
}
