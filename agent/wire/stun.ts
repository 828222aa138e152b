/**
 * STUN binding (RFC 8489), as much as a client needs that asks "from where do you see me?":
 *
 *    0       2        4              8                 20
 *   +-------+--------+--------------+-----------------+----------------
 *   | type  | length | magic cookie | transaction id  | attributes ...     type: 0x0001 request, 0x0101 success
 *   +-------+--------+--------------+-----------------+----------------
 *   XOR-MAPPED-ADDRESS: 0x0020, length, 0, family, port ^ cookie, address ^ (cookie, transaction id)
 */
import { uint16 } from './ethernet-frame.ts';
import { ip6Text } from './ip-text.ts';

export const STUN_PORT = 3478;
export const TRANSACTION_ID_BYTES = 12;
const HEADER_BYTES = 20;
const TYPE = { request: 0x0001, success: 0x0101 } as const;
const COOKIE = [0x21, 0x12, 0xa4, 0x42];
const XOR_MAPPED_ADDRESS = 0x0020;
/** Of the address family: how many bytes its addresses have. */
const ADDRESS_BYTES: Readonly<Record<number, number>> = { 1: 4, 2: 16 };

export interface BindingAnswer {
  transactionId: Uint8Array;
  /** Where the server saw the request come from. */
  address: string;
  port: number;
}

export function bindingRequest(transactionId: Uint8Array): Uint8Array {
  return Uint8Array.from([TYPE.request >> 8, TYPE.request & 0xff, 0, 0, ...COOKIE, ...transactionId]);
}

/** Null when the bytes are not a well-formed success response with an XOR-MAPPED-ADDRESS. */
export function readBindingAnswer(message: Uint8Array): BindingAnswer | null {
  if (message.length < HEADER_BYTES || uint16(message, 0) !== TYPE.success) return null;
  if (uint16(message, 2) !== message.length - HEADER_BYTES) return null;
  if (COOKIE.some((byte, at) => message[4 + at] !== byte)) return null;
  const value = attribute(message, XOR_MAPPED_ADDRESS);
  const addressBytes = ADDRESS_BYTES[value?.[1] ?? 0];
  if (!value || addressBytes === undefined || value.length !== 4 + addressBytes) return null;
  const mask = message.subarray(4, HEADER_BYTES);
  const port = uint16(value, 2) ^ uint16(mask, 0);
  const bytes = value.subarray(4).map((byte, at) => byte ^ (mask[at] ?? 0));
  if (port === 0) return null;
  const address = bytes.length === 4 ? bytes.join('.') : ip6Text(bytes);
  return { transactionId: message.slice(8, HEADER_BYTES), address, port };
}

/** The value of the first attribute of this type; attributes are padded to four bytes. */
function attribute(message: Uint8Array, wanted: number): Uint8Array | null {
  for (let at = HEADER_BYTES; at + 4 <= message.length; ) {
    const length = uint16(message, at + 2);
    const end = at + 4 + length;
    if (end > message.length) return null;
    if (uint16(message, at) === wanted) return message.subarray(at + 4, end);
    at = end + ((4 - (length % 4)) % 4);
  }
  return null;
}

/** Host and port of `stun:host:port` or `stun:[address]`; null for anything else, TURN servers among them. */
export function stunServer(text: string): { host: string; port: number } | null {
  const found = /^stun:(?:\[([0-9a-fA-F:.]+)\]|([^:?[\]/@]+))(?::(\d{1,5}))?$/.exec(text);
  const host = found?.[1] ?? found?.[2];
  const port = Number(found?.[3] ?? STUN_PORT);
  return host === undefined || port < 1 || port > 65535 ? null : { host, port };
}
