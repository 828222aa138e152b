import type { networkInterfaces } from 'node:os';
import { describe, expect, it } from 'vitest';
import {
  addressesWithin,
  LinuxHostNetwork,
  readAesHardware,
} from '../../../agent/adapters/linux-host-network.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';

type Interfaces = ReturnType<typeof networkInterfaces>;

function entry(address: string, internal = false) {
  const family = address.includes(':') ? ('IPv6' as const) : ('IPv4' as const);
  const common = { address, netmask: '', mac: '', internal, cidr: null };
  return family === 'IPv6' ? { ...common, family, scopeid: 0 } : { ...common, family };
}

describe('the host network', () => {
  it('tells of usable underlay addresses only, and of changes once', async () => {
    const clock = new ManualClock();
    let now: Interfaces = {
      lo: [entry('127.0.0.1', true)],
      eth0: [entry('192.0.2.5'), entry('fe80::1'), entry('2001:db8::5'), entry('169.254.1.1')],
      tincan0: [entry('203.0.113.9')],
      other: [entry('10.64.0.7'), entry('fd12::7')],
    };
    const isOverlayAddress = addressesWithin(['10.64.0.0/16', 'fd12::/64']);
    const host = new LinuxHostNetwork({ tapName: 'tincan0', isOverlayAddress, clock }, () => now);
    let changes = 0;
    host.onChange(() => changes++);
    expect(host.underlayAddresses()).toEqual(['192.0.2.5', '2001:db8::5']);
    await clock.advance(5_000);
    expect(changes).toBe(0);
    now = { eth0: [entry('198.51.100.5')] };
    await clock.advance(5_000);
    expect(changes).toBe(1);
    expect(host.underlayAddresses()).toEqual(['198.51.100.5']);
    host.close();
    expect(clock.pending()).toBe(0);
  });

  it('finds AES instructions of x86 and arm64, and does not take others for them', () => {
    expect(readAesHardware(() => 'flags\t\t: fpu aes avx\nflags\t\t: fpu aes avx\n')).toBe(true);
    expect(readAesHardware(() => 'Features\t: fp asimd aes pmull\n')).toBe(true);
    expect(readAesHardware(() => 'Features\t: fp asimd evtstrm crc32 cpuid\n')).toBe(false);
    expect(readAesHardware(() => 'flags\t: vaes fpu\n')).toBe(false);
    expect(readAesHardware(() => '')).toBe(false);
    expect(
      readAesHardware(() => {
        throw new Error('no /proc');
      }),
    ).toBe(false);
  });
});
