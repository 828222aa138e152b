import type { LinkReport } from './agent-control.ts';
import type { Membership } from './member-directory.ts';
import type { SendResult } from './peer-transport.ts';

/** Whether the peer of a link that was up is there; `back`: it was lost until a moment ago. */
export type LinkCondition = 'steady' | 'lost' | 'back';

/**
 * The node's TinCan links as the overlay sees them. A link has a slot, the small number that it also has in the
 * datapath; the slot is taken when the link is asked for and freed when it closes.
 */
export interface LinkTable {
  /** Starts a link on demand, or finds the one there is. Idempotent. */
  request(member: Membership): number;
  /** Null: no link has this slot any more. */
  isUp(slot: number): boolean | null;
  memberAt(slot: number): Membership | null;
  /** Slots whose link is up: who gets broadcast and multicast. */
  upSlots(): readonly number[];
  /** Sends one frame by the link's best path now: fast, or the `frames` channel. Borrowed until return. */
  sendFrame(slot: number, frame: Uint8Array): SendResult;
  /**
   * The largest frame that the fast path of this link carries, and whether that is settled or still being searched.
   * Null: there is no fast path, which sets no limit.
   */
  frameLimit(slot: number): { bytes: number; settled: boolean } | null;
  /** `steady` also where there is no link. */
  condition(slot: number): LinkCondition;
  /** Counts traffic that the datapath did not see, so that idle links are known. */
  onUp(listener: (slot: number) => void): void;
  onDown(listener: (slot: number, reason: string) => void): void;
  /** A frame that came over the slow path; the receiver's to keep. */
  onFrame(listener: (slot: number, frame: Uint8Array) => void): void;
  reports(): LinkReport[];
}
