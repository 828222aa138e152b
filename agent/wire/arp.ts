/**
 * ARP for IPv4 over Ethernet (RFC 826), the 28 bytes after the Ethernet header:
 *
 *   htype 1 | ptype 0x0800 | hlen 6 | plen 4 | op | sender MAC | sender IP | target MAC | target IP
 *   0         2              4        5        6    8            14          18           24
 */
import { ETHERNET_HEADER_BYTES, ETHERTYPE, macBytes, payloadOf, uint16 } from './ethernet-frame.ts';
import { ip4Text } from './ip-text.ts';

const ARP_BYTES = 28;
const OPERATION = { request: 1, reply: 2 } as const;

export interface ArpRequest {
  senderMac: Uint8Array;
  senderIp: Uint8Array;
  /** Dotted quad that is asked for. */
  targetIp: string;
}

/** Null when the frame is not a well-formed ARP request. */
export function readArpRequest(frame: Uint8Array): ArpRequest | null {
  const inner = payloadOf(frame);
  if (inner?.etherType !== ETHERTYPE.arp || inner.payload.length < ARP_BYTES) return null;
  const { payload } = inner;
  const ethernetIp4 =
    uint16(payload, 0) === 1 && uint16(payload, 2) === ETHERTYPE.ip4 && uint16(payload, 4) === 0x0604;
  if (!ethernetIp4 || uint16(payload, 6) !== OPERATION.request) return null;
  return {
    senderMac: payload.slice(8, 14),
    senderIp: payload.slice(14, 18),
    targetIp: ip4Text(payload.subarray(24, 28)),
  };
}

/** The frame that answers `request` with "targetIp is at mac". */
export function arpReply(request: ArpRequest, mac: string): Uint8Array {
  const frame = new Uint8Array(ETHERNET_HEADER_BYTES + ARP_BYTES);
  const owner = macBytes(mac);
  frame.set(request.senderMac, 0);
  frame.set(owner, 6);
  frame.set([0x08, 0x06, 0, 1, 0x08, 0x00, 6, 4, 0, OPERATION.reply], 12);
  frame.set(owner, 22);
  frame.set(request.targetIp.split('.').map(Number), 28);
  frame.set(request.senderMac, 32);
  frame.set(request.senderIp, 38);
  return frame;
}
