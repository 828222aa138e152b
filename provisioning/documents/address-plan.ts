/** Which IPv4 addresses a fleet has, and which one is given next. */
import ipaddr from 'ipaddr.js';

/** Whether a member may have this address: inside the network, and neither its first address (`.0`) nor its last. */
export function contains(network: string, address: string): boolean {
  const { first, last } = rangeOf(network);
  const value = numberOf(address);
  return first < value && value < last;
}

/** The lowest address that `taken` does not hold; null when the network is full. `.1` is left to a gateway. */
export function lowestFree(network: string, taken: ReadonlySet<string>): string | null {
  const { first, last } = rangeOf(network);
  for (let value = first + 2; value < last; value++) {
    const address = textOf(value);
    if (!taken.has(address)) return address;
  }
  return null;
}

function rangeOf(network: string): { first: number; last: number } {
  return {
    first: numberOf(ipaddr.IPv4.networkAddressFromCIDR(network).toString()),
    last: numberOf(ipaddr.IPv4.broadcastAddressFromCIDR(network).toString()),
  };
}

function numberOf(address: string): number {
  return ipaddr.IPv4.parse(address).octets.reduce((sum, octet) => sum * 256 + octet, 0);
}

function textOf(value: number): string {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.');
}
