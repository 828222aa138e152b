/**
 * The timestamp that a TCP segment echoes (RFC 7323 section 3.2), taken out in place: zero says that no time is echoed.
 *
 *   kind 8 | length 10 | TSval, 4 bytes | TSecr, 4 bytes
 *
 * A segment that answers a repetition echoes the time of what was said before it. After an outage that is a time from
 * before: the sender would take the outage for a round trip and wait as long before it goes on, and would believe that
 * nothing was lost.
 */
import { segmentIn, TCP_HEADER_BYTES, tcpHeaderBytes } from './tcp-segment.ts';

const CHECKSUM_AT = 16;
const OPTION = { end: 0, noOperation: 1, timestamps: 8 } as const;
const TIMESTAMPS_BYTES = 10;
const ECHO_AT = 6;
const ECHO_BYTES = 4;

/** Changes nothing in a frame that is no TCP segment of a connection, or echoes no time. */
export function forgetTimestampEcho(frame: Uint8Array): void {
  const segment = segmentIn(frame);
  if (!segment) return;
  const tcp = segment.packet.subarray(segment.tcpAt);
  const optionAt = timestampsAt(tcp.subarray(0, tcpHeaderBytes(segment)));
  if (optionAt === null) return;
  const echoAt = optionAt + ECHO_AT;
  let removed = 0;
  for (let at = echoAt; at < echoAt + ECHO_BYTES; at++) {
    removed += (tcp[at] ?? 0) << (at % 2 === 0 ? 8 : 0);
    tcp[at] = 0;
  }
  // RFC 1624: the checksum is the complement of a sum, from which the removed words are taken away.
  let sum = (((tcp[CHECKSUM_AT] ?? 0) << 8) | (tcp[CHECKSUM_AT + 1] ?? 0)) + removed;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  tcp[CHECKSUM_AT] = sum >> 8;
  tcp[CHECKSUM_AT + 1] = sum & 255;
}

/** Where the option stands in a whole header; null without one. */
function timestampsAt(header: Uint8Array): number | null {
  for (let at = TCP_HEADER_BYTES; at < header.length; ) {
    const kind = header[at] ?? OPTION.end;
    if (kind === OPTION.end) return null;
    const bytes = kind === OPTION.noOperation ? 1 : (header[at + 1] ?? 0);
    if (kind === OPTION.timestamps && bytes === TIMESTAMPS_BYTES && at + bytes <= header.length) return at;
    if (bytes < 1) return null;
    at += bytes;
  }
  return null;
}
