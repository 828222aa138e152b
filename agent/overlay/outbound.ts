/**
 * Outbound frames (TAP to peer) that the datapath could not place by itself. In the order in which a frame meets it:
 *
 *   1. neighbour            ARP and neighbour solicitations are answered here (neighbours.ts)
 *   2. flood                broadcast and multicast: judged, then copied to every link that is up (flood-policy.ts);
 *                           what it asks of members' names is answered here as well (local-names.ts)
 *   3. unknown-destination  the member behind the MAC is found, its link is started, the frame waits (frame-queue.ts)
 *   4. slow-path            the peer has a slot: sent over the link if it is up, else the frame waits
 *   5. oversize             the peer's path is too narrow for it: the sender is told, or it goes the slow way (oversize.ts)
 *   6. link up              what waited is sent, oldest first
 *   7. outage               while the peer is lost, and when it is back, TCP is helped through (tcp-outage.ts)
 *
 * Every other exit is a counted drop.
 */
import type { Clock } from '../ports/clock.ts';
import type { Datapath, DatapathEvent } from '../ports/datapath.ts';
import type { LinkTable } from '../ports/link-table.ts';
import type { MemberDirectory, Membership } from '../ports/member-directory.ts';
import type { SendResult } from '../ports/peer-transport.ts';
import { destinationMac, ipAddressesOf } from '../wire/ethernet-frame.ts';
import { macOfNode } from '../wire/node-address.ts';
import { DropCounters } from './drop-counters.ts';
import { FloodPolicy } from './flood-policy.ts';
import { FrameQueue } from './frame-queue.ts';
import { requestLink } from './link-request.ts';
import { LocalNames } from './local-names.ts';
import { MAX_LOOKUPS_AT_ONCE, Neighbours } from './neighbours.ts';
import { OversizeFrames } from './oversize.ts';
import { TcpOutage } from './tcp-outage.ts';

const DROP_OF: Readonly<Record<Exclude<SendResult, 'sent'>, 'slow-path-full' | 'slow-path-closed'>> = {
  full: 'slow-path-full',
  closed: 'slow-path-closed',
};

export interface OutboundDependencies {
  self: { nodeId: string; ip4: string; ip6: string };
  directory: MemberDirectory;
  links: LinkTable;
  datapath: Pick<Datapath, 'deliver'>;
  /** Whether questions for `<name>.local` and for services are looked at. */
  answersNames: boolean;
  clock: Clock;
}

export class Outbound {
  readonly drops = new DropCounters();
  readonly #parts: OutboundDependencies;
  readonly #neighbours: Neighbours;
  readonly #flood: FloodPolicy;
  readonly #names: LocalNames | null;
  readonly #oversize: OversizeFrames;
  readonly #tcp: TcpOutage;
  readonly #waitingForLink: FrameQueue<number>;
  readonly #waitingForMember: FrameQueue<string>;
  readonly #lookingUp = new Set<string>();

  constructor(parts: OutboundDependencies) {
    this.#parts = parts;
    this.#neighbours = new Neighbours({ ...parts, drops: this.drops });
    this.#flood = new FloodPolicy(parts.clock);
    this.#names = parts.answersNames ? new LocalNames(parts) : null;
    this.#oversize = new OversizeFrames({ ...parts, drops: this.drops });
    this.#tcp = new TcpOutage(parts);
    this.#waitingForLink = new FrameQueue(parts.clock, this.drops);
    this.#waitingForMember = new FrameQueue(parts.clock, this.drops);
    parts.links.onUp((slot) => this.#linkUp(slot));
    parts.links.onDown((slot) => {
      // A link that is tried again keeps what waits for it.
      if (parts.links.isUp(slot) === null) this.#waitingForLink.discard(slot);
    });
  }

  /** Takes the datapath's frame events; other kinds are not its concern. */
  receive(event: DatapathEvent): void {
    if (event.kind === 'slow-path') this.#toSlot(event.slot, event.frame);
    if (event.kind === 'oversize')
      this.#oversize.receive(event.slot, event.frame, (frame) => this.#toSlot(event.slot, frame));
    if (event.kind !== 'frame') return;
    if (event.why === 'neighbour') void this.#neighbours.answer(event.frame);
    else if (event.why === 'flood') this.#floodFrame(event.frame);
    else this.#toUnknown(event.frame);
  }

  #floodFrame(frame: Uint8Array): void {
    const verdict = this.#flood.judge(frame);
    if (verdict !== 'send') {
      this.drops.count(verdict);
      return;
    }
    for (const slot of this.#parts.links.upSlots()) this.#send(slot, frame);
    void this.#names?.answer(frame);
  }

  /** The kernel may remember a MAC from before a restart, when no link has it: the IP address tells the member. */
  #toUnknown(frame: Uint8Array): void {
    const mac = destinationMac(frame);
    if (this.#lookingUp.has(mac)) this.#waitingForMember.push(mac, frame);
    else this.#toUnknownMember(mac, frame);
  }

  #toUnknownMember(mac: string, frame: Uint8Array): void {
    const known = this.#parts.directory.known().find((member) => macOfNode(member.nodeId) === mac);
    const destination = ipAddressesOf(frame)?.destination;
    if (known) this.#toMember(known, frame);
    else if (!destination) this.drops.count('not-a-member');
    else if (this.#lookingUp.size >= MAX_LOOKUPS_AT_ONCE) this.drops.count('queue-full');
    else {
      this.#waitingForMember.push(mac, frame);
      void this.#lookUp(mac, destination);
    }
  }

  async #lookUp(mac: string, address: string): Promise<void> {
    const { directory } = this.#parts;
    this.#lookingUp.add(mac);
    const member = await (address.includes(':') ? directory.byIp6(address) : directory.byIp4(address));
    this.#lookingUp.delete(mac);
    const frames = this.#waitingForMember.take(mac);
    if (member && macOfNode(member.nodeId) === mac) for (const frame of frames) this.#toMember(member, frame);
    else this.drops.count('not-a-member', frames.length);
  }

  #toMember(member: Membership, frame: Uint8Array): void {
    const slot = requestLink(this.#parts.links, member);
    if (slot === null) this.drops.count('link-refused');
    else this.#toSlot(slot, frame);
  }

  #toSlot(slot: number, frame: Uint8Array): void {
    const up = this.#parts.links.isUp(slot);
    if (up === null) this.drops.count('link-failed');
    else if (up) this.#send(slot, frame);
    else this.#waitForLink(slot, frame);
  }

  /** A frame for a link that is not up asks for it again: its earlier attempt may have been given up. */
  #waitForLink(slot: number, frame: Uint8Array): void {
    this.#waitingForLink.push(slot, frame);
    this.#tcp.unreachable(frame);
    const member = this.#parts.links.memberAt(slot);
    if (member) requestLink(this.#parts.links, member);
  }

  #linkUp(slot: number): void {
    for (const frame of this.#waitingForLink.take(slot)) this.#send(slot, frame);
  }

  #send(slot: number, frame: Uint8Array): void {
    const condition = this.#parts.links.condition(slot);
    if (condition === 'lost') this.#tcp.unreachable(frame);
    if (condition !== 'steady') this.#tcp.settle(frame);
    const result = this.#parts.links.sendFrame(slot, frame);
    if (result !== 'sent') this.drops.count(DROP_OF[result]);
  }
}
