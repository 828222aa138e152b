/** IP addresses and networks as text: whether one belongs to the other, for both IP versions; IPv4-mapped IPv6 counts as the IPv4 it maps. */
import ipaddr from 'ipaddr.js';

/**
 * `address` as a socket reports it (`10.64.0.7`, `::ffff:10.64.0.7`, `fe80::1%eth0`), `cidr` as `10.64.0.0/16`.
 * False for anything that is neither: who decides on admission must not be led astray by text.
 */
export function inNetwork(address: string, cidr: string): boolean {
  const parsed = parseAddress(address);
  const [prefix, length, ...rest] = cidr.split('/');
  const network = parseAddress(prefix ?? '');
  if (!parsed || !network || rest.length > 0 || !/^\d{1,3}$/.test(length ?? '')) return false;
  const prefixLength = Number(length);
  const widest = network.kind() === 'ipv4' ? 32 : 128;
  if (parsed.kind() !== network.kind() || prefixLength > widest) return false;
  return parsed.match(network, prefixLength);
}

/** The 4 or 16 bytes of an address that was checked before. */
export function ipBytes(address: string): Uint8Array {
  return Uint8Array.from(ipaddr.parse(address).toByteArray());
}

/** ipaddr.js also takes `10.1` and octal like inet_aton(3); only the four-part decimal form is an address here. */
function parseAddress(text: string): ipaddr.IPv4 | ipaddr.IPv6 | null {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text);
  if (!text.includes(':') || !ipaddr.IPv6.isValid(text)) return null;
  const address = ipaddr.IPv6.parse(text);
  return address.isIPv4MappedAddress() ? address.toIPv4Address() : address;
}
