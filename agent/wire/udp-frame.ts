/** UDP datagrams as whole Ethernet frames, over IPv4 (RFC 791, RFC 768) and IPv6 (RFC 8200). */
import {
  ETHERNET_HEADER_BYTES,
  ETHERTYPE,
  macBytes,
  payloadOf,
  sourceMac,
  uint16,
} from './ethernet-frame.ts';
import { checksum } from './icmp.ts';

const UDP = 17;
const IP4_HEADER_BYTES = 20;
const IP6_HEADER_BYTES = 40;
const UDP_HEADER_BYTES = 8;
const FRAGMENT = 0x3fff;

export interface UdpDatagram {
  sourceMac: string;
  /** 4 or 16 bytes, both of one kind. */
  source: Uint8Array;
  destination: Uint8Array;
  sourcePort: number;
  destinationPort: number;
  payload: Uint8Array;
}

/** Null for anything but a whole UDP datagram; extension headers, fragments and VLANs are not looked into. */
export function readUdpFrame(frame: Uint8Array): UdpDatagram | null {
  const inner = payloadOf(frame);
  if (!inner || uint16(frame, 12) === ETHERTYPE.vlan) return null;
  const { etherType, payload: packet } = inner;
  const udpAt = udpOffset(etherType, packet);
  if (udpAt === null || packet.length < udpAt + UDP_HEADER_BYTES) return null;
  const bytes = uint16(packet, udpAt + 4);
  if (bytes < UDP_HEADER_BYTES || packet.length < udpAt + bytes) return null;
  const [from, length] = etherType === ETHERTYPE.ip4 ? [12, 4] : [8, 16];
  return {
    sourceMac: sourceMac(frame),
    source: packet.subarray(from, from + length),
    destination: packet.subarray(from + length, from + 2 * length),
    sourcePort: uint16(packet, udpAt),
    destinationPort: uint16(packet, udpAt + 2),
    payload: packet.subarray(udpAt + UDP_HEADER_BYTES, udpAt + bytes),
  };
}

function udpOffset(etherType: number, packet: Uint8Array): number | null {
  if (etherType === ETHERTYPE.ip6) return packet[6] === UDP ? IP6_HEADER_BYTES : null;
  const isWhole = (uint16(packet, 6) & FRAGMENT) === 0;
  return etherType === ETHERTYPE.ip4 && packet[9] === UDP && isWhole ? ((packet[0] ?? 0) & 15) * 4 : null;
}

/** `hopLimit` as the protocol above wants it: 255 says that no router forwarded it. */
export function udpFrame(datagram: UdpDatagram, destinationMac: string, hopLimit: number): Uint8Array {
  const { source, destination, sourcePort, destinationPort, payload } = datagram;
  const bytes = UDP_HEADER_BYTES + payload.length;
  const udp = new Uint8Array(bytes);
  udp.set([
    sourcePort >> 8,
    sourcePort & 255,
    destinationPort >> 8,
    destinationPort & 255,
    bytes >> 8,
    bytes & 255,
  ]);
  udp.set(payload, UDP_HEADER_BYTES);
  const sum = checksum(Uint8Array.from([...source, ...destination, 0, UDP, bytes >> 8, bytes & 255, ...udp]));
  // Zero would say that there is none.
  udp.set(sum === 0 ? [0xff, 0xff] : [sum >> 8, sum & 255], 6);
  const isIp4 = source.length === 4;
  const type = isIp4 ? ETHERTYPE.ip4 : ETHERTYPE.ip6;
  const header = isIp4 ? ip4Header(datagram, bytes, hopLimit) : ip6Header(datagram, bytes, hopLimit);
  const frame = new Uint8Array(ETHERNET_HEADER_BYTES + header.length + bytes);
  frame.set([...macBytes(destinationMac), ...macBytes(datagram.sourceMac), type >> 8, type & 255]);
  frame.set(header, ETHERNET_HEADER_BYTES);
  frame.set(udp, ETHERNET_HEADER_BYTES + header.length);
  return frame;
}

function ip4Header({ source, destination }: UdpDatagram, bytes: number, ttl: number): Uint8Array {
  const total = IP4_HEADER_BYTES + bytes;
  const first = [0x45, 0, total >> 8, total & 255, 0, 0, 0, 0, ttl, UDP, 0, 0];
  const header = Uint8Array.from([...first, ...source, ...destination]);
  const sum = checksum(header);
  header.set([sum >> 8, sum & 255], 10);
  return header;
}

function ip6Header({ source, destination }: UdpDatagram, bytes: number, hopLimit: number): Uint8Array {
  return Uint8Array.from([0x60, 0, 0, 0, bytes >> 8, bytes & 255, UDP, hopLimit, ...source, ...destination]);
}
