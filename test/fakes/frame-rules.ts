/** The datapath's rules about frames, written a second time from their description in agent/native/source_check.h. */
import type { DatapathPeer } from '../../agent/ports/datapath.ts';
import type { DropReason } from '../../agent/wire/drop-reason.ts';
import {
  ETHERTYPE,
  ipAddressesOf,
  macBytes,
  macText,
  payloadOf,
  sourceMac,
} from '../../agent/wire/ethernet-frame.ts';
import { ip4Text, ip6Text } from '../../agent/wire/ip-text.ts';

const ARP_BYTES = 28;
const ICMP6 = 58;
/** ICMPv6 types (RFC 4861 section 4). */
const NEIGHBOUR_SOLICITATION = 135;
const NEIGHBOUR_ADVERTISEMENT = 136;
const SPEAKS_FOR_A_ROUTER = [134, 137];

export function isGroup(frame: Uint8Array): boolean {
  return ((frame[0] ?? 0) & 1) === 1;
}

export function asksForNeighbour(frame: Uint8Array): boolean {
  const inner = payloadOf(frame);
  if (inner?.etherType === ETHERTYPE.arp) {
    return inner.payload.length >= ARP_BYTES && inner.payload[7] === 1;
  }
  return icmp6TypeOf(frame) === NEIGHBOUR_SOLICITATION;
}

/** Why a frame from this peer may not enter; null when it speaks for the peer alone. */
export function sourceFault(peer: DatapathPeer, frame: Uint8Array): DropReason | null {
  if (sourceMac(frame) !== peer.mac) return 'source-mac-mismatch';
  const inner = payloadOf(frame);
  if (inner?.etherType === ETHERTYPE.arp) return arpFault(peer, inner.payload);
  if (inner?.etherType !== ETHERTYPE.ip4 && inner?.etherType !== ETHERTYPE.ip6) return null;
  const source = ipAddressesOf(frame)?.source;
  if (source === undefined) return 'frame-too-short';
  const own = [peer.ip4, peer.ip6, linkLocalOf(peer.mac)];
  const type = icmp6TypeOf(frame) ?? 0;
  const foreignTarget =
    type === NEIGHBOUR_ADVERTISEMENT && !own.includes(ip6Text(inner.payload.subarray(48, 64)));
  const lies = !own.includes(source) || SPEAKS_FOR_A_ROUTER.includes(type) || foreignTarget;
  return lies ? 'source-ip-mismatch' : null;
}

/** Modified EUI-64 (RFC 4291 appendix A). */
function linkLocalOf(mac: string): string {
  const [first = 0, second = 0, third = 0, ...rest] = macBytes(mac);
  return ip6Text(
    Uint8Array.from([0xfe, 0x80, 0, 0, 0, 0, 0, 0, first ^ 2, second, third, 0xff, 0xfe, ...rest]),
  );
}

function arpFault(peer: DatapathPeer, payload: Uint8Array): DropReason | null {
  if (payload.length < ARP_BYTES) return 'frame-too-short';
  if (macText(payload.subarray(8, 14)) !== peer.mac) return 'source-mac-mismatch';
  return ip4Text(payload.subarray(14, 18)) === peer.ip4 ? null : 'source-ip-mismatch';
}

function icmp6TypeOf(frame: Uint8Array): number | null {
  const inner = payloadOf(frame);
  if (inner?.etherType !== ETHERTYPE.ip6 || inner.payload[6] !== ICMP6) return null;
  return inner.payload[40] ?? null;
}
