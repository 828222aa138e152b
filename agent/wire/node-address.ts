/** Everything that follows from a public key: the node's name on the wire, its MAC, its IPv6 interface identifier. */
import { createHash } from 'node:crypto';
import { ip6Text } from './ip-text.ts';

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
  return ['02', ...[...bytesOfId(nodeId).subarray(0, 5)].map(hexByte)].join(':');
}

/** The fleet's /64, a unique local prefix (RFC 4193) whose 40 "random" bits come from the fleet id: `fdxx:xxxx:xxxx::/64`. */
export function ip6NetworkOfFleet(fleetId: string): string {
  return `${ip6Text(fleetPrefix(fleetId))}/64`;
}

/** The node's address in its fleet's /64, in RFC 5952 form: interface identifier from the id's first 64 bits. */
export function ip6OfNode(fleetId: string, nodeId: string): string {
  const address = fleetPrefix(fleetId);
  address.set(bytesOfId(nodeId).subarray(0, 8), 8);
  return ip6Text(address);
}

/** The MAC that a link-local address was derived from (RFC 4291 appendix A, modified EUI-64); null when it was not. */
export function macOfLinkLocal(address: Uint8Array): string | null {
  const eui64 = address[0] === 0xfe && address[1] === 0x80 && address[11] === 0xff && address[12] === 0xfe;
  if (!eui64) return null;
  const mac = [(address[8] ?? 0) ^ 2, ...address.subarray(9, 11), ...address.subarray(13, 16)];
  return mac.map(hexByte).join(':');
}

function fleetPrefix(fleetId: string): Uint8Array {
  const address = new Uint8Array(16);
  address[0] = 0xfd;
  address.set(bytesOfId(fleetId).subarray(0, 5), 1);
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
