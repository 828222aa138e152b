import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { interfaceAddresses } from '../../../agent/adapters/interface-addresses.ts';

/** As Linux 6 prints them: a bridge without ports beside the default route. */
const PROC: Record<string, string> = {
  route: [
    'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT',
    'cable0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0',
    'bridge0\t0009420A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0',
    'far0\t000000C8\t00000000\t0001\t0\t0\t0\t000000FF\t0\t0\t0',
  ].join('\n'),
  fib_trie: [
    'Local:',
    '  +-- 0.0.0.0/0 3 0 5',
    '     |-- 10.66.9.0',
    '        /24 link UNICAST',
    '     |-- 10.66.9.1',
    '        /32 host LOCAL',
    '     |-- 200.1.2.3',
    '        /32 host LOCAL',
  ].join('\n'),
  if_inet6:
    'fd0a0000000000000000000000000009 05 40 20 c0 bridge0\n00000000000000000000000000000001 01 80 10 80       lo\n',
};
const known = interfaceAddresses(() => '').length;

describe('the addresses of interfaces', () => {
  it('are those of interfaces without carrier, too', () => {
    expect(interfaceAddresses((name) => PROC[name] ?? '').slice(known)).toEqual([
      { device: 'bridge0', address: '10.66.9.1', prefixLength: 24 },
      { device: 'far0', address: '200.1.2.3', prefixLength: 8 },
      { device: 'bridge0', address: 'fd0a::9', prefixLength: 64 },
    ]);
  });

  it('are none where the kernel’s tables say something else', () => {
    fc.assert(fc.property(fc.string(), (text) => void interfaceAddresses(() => text)));
    expect(interfaceAddresses(() => 'a\tb\t00000000\t\t\t\t\t12\n').slice(known)).toEqual([]);
  });
});
