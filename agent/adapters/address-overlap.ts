/** Whether an address of this machine lies in one of the overlay's subnets, or the other way round. */
import { BlockList, isIP } from 'node:net';

export interface Subnet {
  address: string;
  prefixLength: number;
}

/** The first of the `subnets`, as `address/length`, that shares addresses with the interface's `cidr`; else null. */
export function overlappingAddress(cidr: string, subnets: readonly Subnet[]): string | null {
  const [address = '', length = ''] = cidr.split('/');
  const other = { address, prefixLength: Number(length) };
  // Every interface has a link-local subnet, and they are the same on purpose.
  if (address.toLowerCase().startsWith('fe80:')) return null;
  const found = subnets.find((subnet) => contains(subnet, other.address) || contains(other, subnet.address));
  return found === undefined ? null : `${found.address}/${found.prefixLength}`;
}

function contains(subnet: Subnet, address: string): boolean {
  const family = isIP(subnet.address);
  if (family === 0 || family !== isIP(address)) return false;
  const name = family === 4 ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  list.addSubnet(subnet.address, subnet.prefixLength, name);
  return list.check(address, name);
}
