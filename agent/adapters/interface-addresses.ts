/**
 * The addresses of this machine's interfaces, those without carrier among them: an unplugged cable takes nothing from
 * an interface's addresses, but Node.js does not list them then.
 */
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { ip6Text } from '../wire/ip-text.ts';
import type { Subnet } from './address-overlap.ts';

export interface InterfaceAddress extends Subnet {
  device: string;
}

/** `readProc` gives the text of a file in /proc/net. */
export function interfaceAddresses(readProc = readProcNet): InterfaceAddress[] {
  const listed = Object.entries(networkInterfaces()).flatMap(([device, addresses]) =>
    (addresses ?? []).flatMap(({ cidr, internal }) => {
      const [address = '', length = ''] = cidr?.split('/') ?? [];
      return internal || address === '' ? [] : [{ device, address, prefixLength: Number(length) }];
    }),
  );
  return [
    ...listed,
    ...ip4Addresses(readProc('route'), readProc('fib_trie')),
    ...ip6Addresses(readProc('if_inet6')),
  ];
}

const WORD = /^[0-9A-F]{8}$/;

/** The kernel's own addresses, each in the subnet of an interface that it lies in: a route without a gateway. */
function ip4Addresses(routes: string, trie: string): InterfaceAddress[] {
  const own = new Set([...trie.matchAll(/\|-- (\S+)\n\s+\/32 host LOCAL/g)].map((match) => match[1] ?? ''));
  return routes.split('\n').flatMap((line) => {
    const [device = '', subnet = '', gateway, , , , , mask = ''] = line.split('\t');
    if (gateway !== '00000000' || mask === '00000000') return [];
    if (!WORD.test(subnet) || !WORD.test(mask)) return [];
    const [subnetBits, maskBits] = [hostOrder(subnet), hostOrder(mask)];
    const prefixLength = 32 - Math.log2(2 ** 32 - maskBits);
    const inside = (address: string) => (bitsOf(address) & maskBits) === (subnetBits | 0);
    return [...own].filter(inside).map((address) => ({ device, address, prefixLength }));
  });
}

function ip6Addresses(table: string): InterfaceAddress[] {
  return table.split('\n').flatMap((line) => {
    const [digits = '', , length = '', , , device = ''] = line.trim().split(/\s+/);
    if (!/^[0-9a-f]{32}$/.test(digits) || device === 'lo') return [];
    return [
      { device, address: ip6Text(Buffer.from(digits, 'hex')), prefixLength: Number.parseInt(length, 16) },
    ];
  });
}

/** /proc/net/route has addresses as the CPU, little-endian, reads them. */
function hostOrder(hex: string): number {
  return Buffer.from(hex, 'hex').readUInt32LE();
}

function bitsOf(address: string): number {
  return Buffer.from(address.split('.').map(Number)).readUInt32BE();
}

/** Empty where this kernel has no such file: without IPv6, or with another routing table. */
function readProcNet(name: string): string {
  try {
    return readFileSync(`/proc/net/${name}`, 'utf8');
  } catch {
    return '';
  }
}
