/**
 * A TCP segment in an Ethernet frame, as far as an overlay has to know it (RFC 9293 section 3.1):
 *
 *   source port | destination port | sequence | acknowledgement | data offset, flags | window | checksum | urgent | options
 *   0           2                  4          8                 12            13       14       16         18       20
 */
import { ETHERTYPE, payloadOf, uint16 } from './ethernet-frame.ts';

const TCP = 6;
const IP6_HEADER_BYTES = 40;
export const TCP_HEADER_BYTES = 20;
const DATA_OFFSET_AT = 12;
const FLAGS_AT = 13;
const SYN = 0x02;
const RST = 0x04;

/** See segmentIn. */
export interface TcpSegment {
  etherType: number;
  /** From the IP header on. */
  packet: Uint8Array;
  tcpAt: number;
}

/** A segment of a connection: no SYN, to which unreachable is a final answer, and no RST, which needs none. */
export function segmentIn(frame: Uint8Array): TcpSegment | null {
  const inner = payloadOf(frame);
  if (!inner) return null;
  const { etherType, payload: packet } = inner;
  const isIp4 = etherType === ETHERTYPE.ip4 && packet[9] === TCP && (uint16(packet, 6) & 0x1fff) === 0;
  const isIp6 = etherType === ETHERTYPE.ip6 && packet[6] === TCP;
  if (!isIp4 && !isIp6) return null;
  const tcpAt = isIp4 ? ((packet[0] ?? 0) & 15) * 4 : IP6_HEADER_BYTES;
  if (packet.length < tcpAt + TCP_HEADER_BYTES) return null;
  return ((packet[tcpAt + FLAGS_AT] ?? 0) & (SYN | RST)) === 0 ? { etherType, packet, tcpAt } : null;
}

/** Its header with all options. */
export function tcpHeaderBytes({ packet, tcpAt }: TcpSegment): number {
  return ((packet[tcpAt + DATA_OFFSET_AT] ?? 0) >> 4) * 4;
}

/** What a frame is to TCP: `data` is said again by itself, `bare` (a question for the window, an answer) may not be. */
export function tcpKindOf(frame: Uint8Array): 'data' | 'bare' | null {
  const found = segmentIn(frame);
  if (!found) return null;
  const { etherType, packet, tcpAt } = found;
  const headerBytes = tcpAt + tcpHeaderBytes(found);
  const bytes = etherType === ETHERTYPE.ip4 ? uint16(packet, 2) : IP6_HEADER_BYTES + uint16(packet, 4);
  return bytes > headerBytes ? 'data' : 'bare';
}
