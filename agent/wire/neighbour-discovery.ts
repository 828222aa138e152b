/**
 * IPv6 neighbour solicitation and advertisement (RFC 4861 sections 4.3 and 4.4) in an Ethernet frame:
 *
 *   Ethernet 14 | IPv6 40 (next header 58, hop limit 255) | ICMPv6 type, code, checksum | flags 4 | target 16 | options
 */
import { ETHERNET_HEADER_BYTES, ETHERTYPE, macBytes, payloadOf, uint16 } from './ethernet-frame.ts';

const IP6_HEADER_BYTES = 40;
const MESSAGE_BYTES = 24;
const LINK_LAYER_OPTION_BYTES = 8;
const ICMP6 = 58;
const TYPE = { solicitation: 135, advertisement: 136 } as const;
const TARGET_LINK_LAYER_ADDRESS = 2;
/** Solicited and override flags. Not router: a member never routes. */
const FLAGS = 0x60;

export interface NeighbourSolicitation {
  sourceMac: Uint8Array;
  /** 16 bytes; all zero when the kernel checks its own address for duplicates (RFC 4862 section 5.4). */
  sourceIp: Uint8Array;
  target: Uint8Array;
}

/** Null when the frame is not a well-formed neighbour solicitation (hop limit 255 included, RFC 4861 section 7.1.1). */
export function readNeighbourSolicitation(frame: Uint8Array): NeighbourSolicitation | null {
  const inner = payloadOf(frame);
  if (inner?.etherType !== ETHERTYPE.ip6 || inner.payload.length < IP6_HEADER_BYTES + MESSAGE_BYTES)
    return null;
  const { payload } = inner;
  const icmp = payload.subarray(IP6_HEADER_BYTES);
  if (payload[6] !== ICMP6 || payload[7] !== 255 || icmp[0] !== TYPE.solicitation || icmp[1] !== 0)
    return null;
  return { sourceMac: frame.slice(6, 12), sourceIp: payload.slice(8, 24), target: icmp.slice(8, 24) };
}

/** The frame that answers `solicitation` with "target is at mac". */
export function neighbourAdvertisement(solicitation: NeighbourSolicitation, mac: string): Uint8Array {
  const icmpBytes = MESSAGE_BYTES + LINK_LAYER_OPTION_BYTES;
  const frame = new Uint8Array(ETHERNET_HEADER_BYTES + IP6_HEADER_BYTES + icmpBytes);
  const owner = macBytes(mac);
  frame.set(solicitation.sourceMac, 0);
  frame.set(owner, 6);
  frame.set([0x86, 0xdd, 0x60, 0, 0, 0, 0, icmpBytes, ICMP6, 255], 12);
  frame.set(solicitation.target, 22);
  frame.set(solicitation.sourceIp, 38);
  const icmp = frame.subarray(ETHERNET_HEADER_BYTES + IP6_HEADER_BYTES);
  icmp.set([TYPE.advertisement, 0, 0, 0, FLAGS]);
  icmp.set(solicitation.target, 8);
  icmp.set([TARGET_LINK_LAYER_ADDRESS, 1, ...owner], MESSAGE_BYTES);
  const sum = icmp6Checksum(frame.subarray(22, 54), icmp);
  icmp.set([sum >> 8, sum & 0xff], 2);
  return frame;
}

/** RFC 4443 section 2.3 over the pseudo-header (source and destination, 32 bytes) and the message with a zero checksum. */
export function icmp6Checksum(addresses: Uint8Array, message: Uint8Array): number {
  let sum = message.length + ICMP6;
  for (const part of [addresses, message]) {
    for (let at = 0; at < part.length; at += 2) sum += uint16(part, at);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
