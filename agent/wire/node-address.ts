/** Everything that follows from a public key: the node's name on the wire, its MAC, its IPv6 interface identifier. */
import { createHash } from 'node:crypto';

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';
const ID_BYTES = 10;

/** Node ids and fleet ids look alike: 16 characters of RFC 4648 base32, lower case. */
export const ID_PATTERN = /^[a-z2-7]{16}$/;

/** The first 80 bits of SHA-256 over a raw 32-byte Ed25519 public key, in base32 (16 characters). */
export function idOfPublicKey(publicKey: Uint8Array): string {
  return base32(createHash('sha256').update(publicKey).digest().subarray(0, ID_BYTES));
}

/** A locally administered unicast MAC (IEEE 802 section 8.4) from the id's first 40 bits: `02:xx:xx:xx:xx:xx`. */
export function macOfNode(nodeId: string): string {
  const bytes = bytesOfId(nodeId);
  return ['02', ...[...bytes.subarray(0, 5)].map(hexByte)].join(':');
}

/** The fleet's /64, a unique local prefix (RFC 4193) whose 40 "random" bits come from the fleet id: `fdxx:xxxx:xxxx:0::`. */
export function ip6PrefixOfFleet(fleetId: string): string {
  const id = bytesOfId(fleetId);
  const groups = [`fd${hexByte(id[0] ?? 0)}`, pair(id, 1), pair(id, 3), '0'];
  return groups.map((group) => group.replace(/^0+(?=.)/, '')).join(':');
}

/** The node's address in that /64, in RFC 5952 form: interface identifier from the id's first 64 bits. */
export function ip6OfNode(fleetId: string, nodeId: string): string {
  const id = bytesOfId(nodeId);
  const groups = [
    ...ip6PrefixOfFleet(fleetId).split(':'),
    pair(id, 0),
    pair(id, 2),
    pair(id, 4),
    pair(id, 6),
  ];
  return compressIp6(groups.map((group) => group.replace(/^0+(?=.)/, '')));
}

/** The link-local address the kernel derives from a MAC (RFC 4291 appendix A, modified EUI-64), as 16 bytes. */
export function linkLocalOfMac(mac: Uint8Array): Uint8Array {
  const address = new Uint8Array(16);
  address.set([0xfe, 0x80]);
  address.set(
    [(mac[0] ?? 0) ^ 2, mac[1] ?? 0, mac[2] ?? 0, 0xff, 0xfe, mac[3] ?? 0, mac[4] ?? 0, mac[5] ?? 0],
    8,
  );
  return address;
}

function base32(bytes: Uint8Array): string {
  let bits = 0n;
  for (const byte of bytes) bits = (bits << 8n) | BigInt(byte);
  let text = '';
  for (let shift = bytes.length * 8 - 5; shift >= 0; shift -= 5)
    text += BASE32[Number((bits >> BigInt(shift)) & 31n)];
  return text;
}

function bytesOfId(id: string): Uint8Array {
  let bits = 0n;
  for (const character of id) bits = (bits << 5n) | BigInt(BASE32.indexOf(character));
  return Uint8Array.from({ length: ID_BYTES }, (_, index) =>
    Number((bits >> BigInt((ID_BYTES - 1 - index) * 8)) & 255n),
  );
}

function hexByte(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}

function pair(bytes: Uint8Array, at: number): string {
  return hexByte(bytes[at] ?? 0) + hexByte(bytes[at + 1] ?? 0);
}

/** RFC 5952 section 4.2: the first longest run of two or more zero groups becomes `::`. */
function compressIp6(groups: string[]): string {
  let best = { start: -1, length: 1 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === '0') length++;
    if (length > best.length) best = { start, length };
  }
  if (best.start < 0) return groups.join(':');
  return `${groups.slice(0, best.start).join(':')}::${groups.slice(best.start + best.length).join(':')}`;
}
