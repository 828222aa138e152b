/**
 * Broadcast and multicast: what may leave the node at all, and how much of it. A layer-2 overlay must carry mDNS and
 * the like; it must neither leak what belongs to one wire (DHCP, IGMP, router discovery, spanning tree) nor let one
 * member storm all others.
 */
import type { Clock } from '../ports/clock.ts';
import { ETHERTYPE, payloadOf, uint16 } from '../wire/ethernet-frame.ts';
import { TokenBucket } from './token-bucket.ts';

/** mDNS, SSDP and WS-Discovery of a busy host stay under 20 a second; a hundred is discovery, a thousand is a storm. */
export const FLOOD_FRAMES_PER_SECOND = 100;
export const FLOOD_BURST_FRAMES = 200;

const IP_PROTOCOL = { igmp: 2, udp: 17, icmp6: 58 } as const;
const DHCP_PORTS = new Set([67, 68, 546, 547]);

export type FloodVerdict = 'send' | 'flood-limit' | 'flood-filtered';

/** A token bucket over all group frames that this node sends. */
export class FloodPolicy {
  readonly #bucket: TokenBucket;

  constructor(clock: Clock) {
    this.#bucket = new TokenBucket(clock, FLOOD_FRAMES_PER_SECOND, FLOOD_BURST_FRAMES);
  }

  judge(frame: Uint8Array): FloodVerdict {
    if (!mayLeave(frame)) return 'flood-filtered';
    return this.#bucket.take() ? 'send' : 'flood-limit';
  }
}

/** False for what concerns one wire only: IEEE 802.1D control groups, group membership, router discovery, DHCP. */
export function mayLeave(frame: Uint8Array): boolean {
  const controlGroup = frame[0] === 0x01 && frame[1] === 0x80 && frame[2] === 0xc2;
  const inner = payloadOf(frame);
  if (controlGroup || !inner) return false;
  const { etherType, payload } = inner;
  if (etherType === ETHERTYPE.ip4) return mayLeaveIp4(payload);
  if (etherType === ETHERTYPE.ip6) return mayLeaveIp6(payload);
  return etherType !== ETHERTYPE.arp;
}

function mayLeaveIp4(packet: Uint8Array): boolean {
  const protocol = packet[9];
  const headerBytes = ((packet[0] ?? 0) & 0x0f) * 4;
  if (protocol === IP_PROTOCOL.igmp) return false;
  return protocol !== IP_PROTOCOL.udp || !DHCP_PORTS.has(uint16(packet, headerBytes + 2));
}

function mayLeaveIp6(packet: Uint8Array): boolean {
  const nextHeader = packet[6];
  // A hop-by-hop header in multicast is multicast listener discovery with its router alert (RFC 3810 section 5).
  if (nextHeader === 0) return false;
  if (nextHeader === IP_PROTOCOL.udp) return !DHCP_PORTS.has(uint16(packet, 42));
  const type = packet[40] ?? 0;
  // Listener reports 131, 132, 143; router solicitation to redirect 133–137; 128 is an echo request, which may.
  return nextHeader !== IP_PROTOCOL.icmp6 || !(type >= 130 && type <= 143);
}
