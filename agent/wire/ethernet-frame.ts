/**
 * An Ethernet II frame (IEEE 802.3 section 3.1.1), read in place:
 *
 *   0            6            12          14
 *   +------------+------------+-----------+----------------
 *   | dst MAC    | src MAC    | ethertype | payload
 *   +------------+------------+-----------+----------------
 *
 * With an 802.1Q tag the ethertype stands four bytes later; `payloadAt` knows.
 */
import { ip4Text, ip6Text } from './ip-text.ts';

export const ETHERNET_HEADER_BYTES = 14;
export const VLAN_TAG_BYTES = 4;
export const ETHERTYPE = { ip4: 0x0800, arp: 0x0806, vlan: 0x8100, ip6: 0x86dd } as const;
export function destinationMac(frame: Uint8Array): string {
  return macText(frame.subarray(0, 6));
}

export function sourceMac(frame: Uint8Array): string {
  return macText(frame.subarray(6, 12));
}

/** The inner ethertype and where its payload starts; null when the frame ends before. */
export function payloadOf(frame: Uint8Array): { etherType: number; payload: Uint8Array } | null {
  const outer = uint16(frame, 12);
  const typeAt = outer === ETHERTYPE.vlan ? 16 : 12;
  const etherType = uint16(frame, typeAt);
  return frame.length < typeAt + 2 ? null : { etherType, payload: frame.subarray(typeAt + 2) };
}

/** Source and destination of an IPv4 or IPv6 frame, as text; null for anything else. */
export function ipAddressesOf(frame: Uint8Array): { source: string; destination: string } | null {
  const inner = payloadOf(frame);
  if (inner?.etherType === ETHERTYPE.ip4 && inner.payload.length >= 20) {
    return {
      source: ip4Text(inner.payload.subarray(12, 16)),
      destination: ip4Text(inner.payload.subarray(16, 20)),
    };
  }
  if (inner?.etherType === ETHERTYPE.ip6 && inner.payload.length >= 40) {
    return {
      source: ip6Text(inner.payload.subarray(8, 24)),
      destination: ip6Text(inner.payload.subarray(24, 40)),
    };
  }
  return null;
}

export function macText(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}

export function macBytes(text: string): Uint8Array {
  return Uint8Array.from(text.split(':'), (part) => Number.parseInt(part, 16));
}

/** Network byte order; bytes past the end read as zero, so callers check lengths first. */
export function uint16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}
