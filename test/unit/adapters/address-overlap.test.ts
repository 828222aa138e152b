import { describe, expect, it } from 'vitest';
import { overlappingAddress } from '../../../agent/adapters/address-overlap.ts';

const overlay = [
  { address: '10.64.0.1', prefixLength: 16 },
  { address: 'fd00:1::1', prefixLength: 64 },
];

describe('overlappingAddress', () => {
  it.each([
    ['the same address', '10.64.0.1/32', '10.64.0.1/16'],
    ['an interface inside the overlay', '10.64.7.1/24', '10.64.0.1/16'],
    ['an overlay inside the interface', '10.0.0.1/8', '10.64.0.1/16'],
    ['the same IPv6 prefix', 'fd00:1::9/128', 'fd00:1::1/64'],
  ])('finds %s', (_, cidr, found) => {
    expect(overlappingAddress(cidr, overlay)).toBe(found);
  });

  it.each(['10.65.0.1/16', '192.168.1.5/24', 'fd00:2::1/64', 'fe80::1/64', '::1/128'])(
    'passes %s',
    (cidr) => {
      expect(overlappingAddress(cidr, overlay)).toBeNull();
    },
  );

  it('takes every link-local subnet for its own', () => {
    expect(overlappingAddress('fe80::1/64', [{ address: 'fe80::2', prefixLength: 64 }])).toBeNull();
  });
});
