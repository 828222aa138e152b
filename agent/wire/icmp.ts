/**
 * The messages that tell a sender to send smaller packets, as whole Ethernet frames: "fragmentation needed" (RFC 792,
 * with the MTU field of RFC 1191) and "packet too big" (RFC 4443 section 3.2). They come from the packet's destination,
 * which is the one address that is on this network for sure.
 */
import { ETHERTYPE, payloadOf, uint16 } from './ethernet-frame.ts';
import { icmp6Checksum } from './neighbour-discovery.ts';

const IP4_HEADER_BYTES = 20;
const IP6_HEADER_BYTES = 40;
const ICMP_HEADER_BYTES = 8;
/** RFC 1812 section 4.3.2.3: an ICMP message quotes as much as fits into 576 bytes; RFC 4443: into the least MTU. */
const LONGEST_IP4_BYTES = 576;
export const LEAST_IP6_MTU = 1280;
const PROTOCOL = { icmp: 1, icmp6: 58 } as const;
const HOP_LIMIT = 64;
const DONT_FRAGMENT = 0x4000;
const FRAGMENT_OFFSET = 0x1fff;

/**
 * The answer to a frame that is too large for a path of this many frame bytes. Null where none may be given: it is not
 * IP, may be fragmented on the way (no DF), goes to a group, is an ICMP error itself, or IPv6 would need less than 1280.
 */
export function tooBigAnswer(frame: Uint8Array, frameBytes: number): Uint8Array | null {
  const inner = payloadOf(frame);
  if (!inner || ((frame[0] ?? 0) & 1) === 1) return null;
  const { etherType, payload } = inner;
  const link = answerHeader(frame, frame.length - payload.length);
  const mtu = frameBytes - link.length;
  if (etherType === ETHERTYPE.ip4) return fragmentationNeeded(link, payload, mtu);
  if (etherType === ETHERTYPE.ip6) return packetTooBig(link, payload, mtu);
  return null;
}

/** The link header of the frame, VLAN tag included, turned round. */
function answerHeader(frame: Uint8Array, bytes: number): Uint8Array {
  const header = frame.slice(0, bytes);
  header.set(frame.subarray(6, 12), 0);
  header.set(frame.subarray(0, 6), 6);
  return header;
}

function fragmentationNeeded(link: Uint8Array, packet: Uint8Array, mtu: number): Uint8Array | null {
  const headerBytes = ((packet[0] ?? 0) & 0x0f) * 4;
  if (
    packet.length < IP4_HEADER_BYTES ||
    headerBytes < IP4_HEADER_BYTES ||
    packet[0] !== (0x40 | (headerBytes / 4))
  )
    return null;
  const fragment = uint16(packet, 6);
  if ((fragment & DONT_FRAGMENT) === 0 || (fragment & FRAGMENT_OFFSET) !== 0) return null;
  if (packet[9] === PROTOCOL.icmp && isIcmpError(packet[headerBytes])) return null;
  const quoted = packet.subarray(0, LONGEST_IP4_BYTES - IP4_HEADER_BYTES - ICMP_HEADER_BYTES);
  const ip = new Uint8Array(IP4_HEADER_BYTES);
  const totalBytes = IP4_HEADER_BYTES + ICMP_HEADER_BYTES + quoted.length;
  ip.set([0x45, 0, totalBytes >> 8, totalBytes & 0xff, 0, 0, 0, 0, HOP_LIMIT, PROTOCOL.icmp]);
  ip.set(packet.subarray(16, 20), 12);
  ip.set(packet.subarray(12, 16), 16);
  setUint16(ip, 10, checksum(ip));
  const icmp = Uint8Array.from([3, 4, 0, 0, 0, 0, mtu >> 8, mtu & 0xff, ...quoted]);
  setUint16(icmp, 2, checksum(icmp));
  return join(link, ip, icmp);
}

function packetTooBig(link: Uint8Array, packet: Uint8Array, mtu: number): Uint8Array | null {
  if (packet.length < IP6_HEADER_BYTES || mtu < LEAST_IP6_MTU) return null;
  // Errors have types below 128, and are not answered (RFC 4443 section 2.4 e).
  if (packet[6] === PROTOCOL.icmp6 && (packet[40] ?? 0) < 128) return null;
  const quoted = packet.subarray(0, LEAST_IP6_MTU - IP6_HEADER_BYTES - ICMP_HEADER_BYTES);
  const icmp = Uint8Array.from([2, 0, 0, 0, 0, 0, mtu >> 8, mtu & 0xff, ...quoted]);
  const ip = new Uint8Array(IP6_HEADER_BYTES);
  ip.set([0x60, 0, 0, 0, icmp.length >> 8, icmp.length & 0xff, PROTOCOL.icmp6, HOP_LIMIT]);
  ip.set(packet.subarray(24, 40), 8);
  ip.set(packet.subarray(8, 24), 24);
  setUint16(icmp, 2, icmp6Checksum(ip.subarray(8, 40), icmp));
  return join(link, ip, icmp);
}

/** Destination unreachable, source quench, redirect, time exceeded, parameter problem (RFC 1122 section 3.2.2). */
function isIcmpError(type: number | undefined): boolean {
  return type !== undefined && [3, 4, 5, 11, 12].includes(type);
}

/** The Internet checksum (RFC 1071). */
export function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += uint16(bytes, at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function setUint16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >> 8;
  bytes[at + 1] = value & 0xff;
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}
