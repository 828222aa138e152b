import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inNetwork } from '../../../agent/wire/ip-network.ts';

describe('inNetwork', () => {
  it.each([
    ['10.64.0.7', '10.64.0.0/16', true],
    ['10.64.255.255', '10.64.0.0/16', true],
    ['10.65.0.0', '10.64.0.0/16', false],
    ['::ffff:10.64.0.7', '10.64.0.0/16', true],
    ['::ffff:a40:7', '10.64.0.0/16', true],
    ['::ffff:192.168.1.5', '10.64.0.0/16', false],
    ['fd12:3456:789a:0:1::7', 'fd12:3456:789a::/64', true],
    ['fd12:3456:789a:1::7', 'fd12:3456:789a::/64', false],
    ['fe80::1%eth0', 'fe80::/10', true],
    ['127.0.0.1', '0.0.0.0/0', true],
    ['::1', '0.0.0.0/0', false],
    ['10.64.0.7', '::/0', false],
    ['10.64.0.7', '10.64.0.7/32', true],
    ['10.64.0.8', '10.64.0.7/32', false],
    ['10.64', '10.64.0.0/16', false],
    ['010.64.0.7', '8.64.0.0/16', false],
    ['', '10.64.0.0/16', false],
    ['10.64.0.7', '', false],
    ['10.64.0.7', '10.64.0.0', false],
    ['10.64.0.7', '10.64.0.0/33', false],
    ['10.64.0.7', '10.64.0.0/-1', false],
    ['10.64.0.7', '10.64.0.0/16/0', false],
    ['10.64.0.7', '10.64.0.0/', false],
  ])('%j in %j: %s', (address, cidr, expected) => {
    expect(inNetwork(address, cidr)).toBe(expected);
  });

  it('never throws, and never takes text for an address', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.oneof(fc.string(), fc.constant('0.0.0.0/0'), fc.constant('::/0')),
        (text, cidr) => {
          fc.pre(!/^[\d.:a-f%]+$/i.test(text));
          expect(inNetwork(text, cidr)).toBe(false);
        },
      ),
    );
  });

  it('agrees with arithmetic on IPv4', () => {
    const word = fc.nat({ max: 0xffffffff });
    const text = (value: number) => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.');
    fc.assert(
      fc.property(word, word, fc.integer({ min: 0, max: 32 }), (address, network, length) => {
        const size = 2 ** (32 - length);
        const expected = Math.floor(address / size) === Math.floor(network / size);
        expect(inNetwork(text(address), `${text(network)}/${length}`)).toBe(expected);
      }),
    );
  });
});
