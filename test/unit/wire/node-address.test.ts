import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { macBytes } from '../../../agent/wire/ethernet-frame.ts';
import { ip6Text } from '../../../agent/wire/ip-text.ts';
import {
  ID_PATTERN,
  idOfPublicKey,
  ip6NetworkOfFleet,
  ip6OfNode,
  macOfLinkLocal,
  macOfNode,
} from '../../../agent/wire/node-address.ts';

const key = fc.uint8Array({ minLength: 32, maxLength: 32 });

describe('addresses that follow from a public key', () => {
  it('stay what they are: golden values of an all-zero and an ascending key', () => {
    const zero = idOfPublicKey(new Uint8Array(32));
    const ascending = idOfPublicKey(Uint8Array.from({ length: 32 }, (_, index) => index));
    expect([zero, ascending]).toEqual(['mzuhvlpymk6xo3ep', 'mmg42klgyqzwneis']);
    expect(macOfNode(zero)).toBe('02:66:68:7a:ad:f8');
    expect(ip6NetworkOfFleet(zero)).toBe('fd66:687a:adf8::/64');
    expect(ip6OfNode(zero, ascending)).toBe('fd66:687a:adf8:0:630d:cd29:66c4:3366');
  });

  it('give a well-formed id and a local unicast MAC for any key', () => {
    fc.assert(
      fc.property(key, (publicKey) => {
        const id = idOfPublicKey(publicKey);
        expect(id).toMatch(ID_PATTERN);
        expect((macBytes(macOfNode(id))[0] ?? 1) & 3).toBe(2);
      }),
    );
  });

  it('lead from a link-local address back to the MAC', () => {
    const address = Uint8Array.from(Buffer.from('fe80000000000000006668fffe7aadf8', 'hex'));
    expect(macOfLinkLocal(address)).toBe('02:66:68:7a:ad:f8');
    address[11] = 0;
    expect(macOfLinkLocal(address)).toBeNull();
  });
});

describe('IPv6 text (RFC 5952)', () => {
  it.each([
    [[0x2001, 0xdb8, 0, 0, 0, 0, 0, 1], '2001:db8::1'],
    [[0x2001, 0xdb8, 0, 1, 1, 1, 1, 1], '2001:db8:0:1:1:1:1:1'],
    [[0x2001, 0, 0, 1, 0, 0, 0, 1], '2001:0:0:1::1'],
    [[0, 0, 0, 0, 0, 0, 0, 0], '::'],
    [[0xfe80, 0, 0, 0, 0, 0, 0, 0], 'fe80::'],
  ])('%j is %s', (groups, text) => {
    expect(ip6Text(Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 255])))).toBe(text);
  });
});
