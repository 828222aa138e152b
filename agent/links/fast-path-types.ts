/** What a fast path is built from, and the messages that are its concern. */
import type { Clock } from '../ports/clock.ts';
import type { Datapath, Endpoint } from '../ports/datapath.ts';
import type { LinkControl } from '../wire/link-control.ts';
import type { ReceiveIndexes } from './fast-keys.ts';
import type { RekeyLimits } from './fast-sessions.ts';

export interface FastPathParts {
  slot: number;
  datapath: Pick<
    Datapath,
    'udpPort' | 'addSession' | 'useSession' | 'forgetPreviousSession' | 'setPath' | 'sendProbe'
  >;
  clock: Clock;
  indexes: ReceiveIndexes;
  aesHardware: boolean;
  rekey: RekeyLimits;
  /** The largest frame that the TAP has. */
  maxFrameBytes: number;
  underlayAddresses(): string[];
  /** Our endpoints as the world sees them. */
  reflexive(): Endpoint[];
  /** False for addresses that must not be probed: the overlay's own. */
  allowed(address: string): boolean;
  /** Where ICE reaches the peer when that is behind a NAT: worth a guess with the peer's datapath port. */
  natAddress(): string | null;
  /** After an outage: every frame is to come up, and the path carries what the controller sends. */
  throughController(): boolean;
  send(message: LinkControl): void;
  pathChanged(path: 'fast' | 'slow', endpoint: string | null): void;
}

export type FastControl = Extract<LinkControl, { type: 'fast-offer' | 'fast-ready' | 'endpoints' }>;
