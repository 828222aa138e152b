/**
 * The answer to a TCP segment that cannot be sent now: ICMP "host unreachable" (RFC 792) or ICMPv6 "no route"
 * (RFC 4443 section 3.1), as if from its destination. On an established connection it is no error: Linux takes back the
 * doubling of its retransmission timer (RFC 6069), and so notices within a second when the way is open again.
 *
 *   Ethernet, with the VLAN tag | IP: destination -> source | type, code, checksum, 4 bytes 0 | the packet as it was, from its IP header on
 */
import { ETHERTYPE, uint16 } from './ethernet-frame.ts';
import { segmentIn } from './tcp-segment.ts';

const ICMP = 1;
const ICMP6 = 58;
const IP4_HEADER_BYTES = 20;
const HOP_LIMIT = 64;
/** RFC 4443: no answer is longer than the smallest MTU; more than enough for the headers that Linux looks at. */
const QUOTED_BYTES = 128;

/** Null for anything but a TCP segment of a connection. IPv6 extension headers are not looked behind. */
export function tcpUnreachable(frame: Uint8Array): Uint8Array | null {
  const found = segmentIn(frame);
  if (!found) return null;
  const quoted = found.packet.subarray(0, QUOTED_BYTES);
  const ethernet = backEthernet(frame.subarray(0, frame.length - found.packet.length));
  return found.etherType === ETHERTYPE.ip4 ? answer4(ethernet, quoted) : answer6(ethernet, quoted);
}

function answer4(ethernet: number[], quoted: Uint8Array): Uint8Array {
  const icmp = Uint8Array.from([3, 1, 0, 0, 0, 0, 0, 0, ...quoted]);
  writeChecksum(icmp, 2, icmp);
  const bytes = IP4_HEADER_BYTES + icmp.length;
  const [source, destination] = [quoted.subarray(12, 16), quoted.subarray(16, 20)];
  const first = [0x45, 0, bytes >> 8, bytes & 255, 0, 0, 0, 0, HOP_LIMIT, ICMP, 0, 0];
  const header = Uint8Array.from([...first, ...destination, ...source]);
  writeChecksum(header, 10, header);
  return Uint8Array.from([...ethernet, ...header, ...icmp]);
}

function answer6(ethernet: number[], quoted: Uint8Array): Uint8Array {
  const icmp = Uint8Array.from([1, 0, 0, 0, 0, 0, 0, 0, ...quoted]);
  const addresses = [...quoted.subarray(24, 40), ...quoted.subarray(8, 24)];
  const pseudo = [...addresses, 0, 0, icmp.length >> 8, icmp.length & 255, 0, 0, 0, ICMP6];
  writeChecksum(icmp, 2, Uint8Array.from([...pseudo, ...icmp]));
  const header = [0x60, 0, 0, 0, icmp.length >> 8, icmp.length & 255, ICMP6, HOP_LIMIT, ...addresses];
  return Uint8Array.from([...ethernet, ...header, ...icmp]);
}

function backEthernet(header: Uint8Array): number[] {
  return [...header.subarray(6, 12), ...header.subarray(0, 6), ...header.subarray(12)];
}

/** The Internet checksum (RFC 1071) over `covered`, put into `into`, where it stands as zero. */
function writeChecksum(into: Uint8Array, at: number, covered: Uint8Array): void {
  let sum = 0;
  for (let index = 0; index < covered.length; index += 2) sum += uint16(covered, index);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  into[at] = (~sum >> 8) & 255;
  into[at + 1] = ~sum & 255;
}
