import { describe, expect, it } from 'vitest';
import {
  FLOOD_BURST_FRAMES,
  FLOOD_FRAMES_PER_SECOND,
  FloodPolicy,
  mayLeave,
} from '../../../agent/overlay/flood-policy.ts';
import { arpRequestFrame, ip4Frame } from '../../fakes/frames.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';

const mdns = ip4Frame({ to: '01:00:5e:00:00:fb', destination: '224.0.0.251', port: 5353 });

function ip6Frame(nextHeader: number, first: number, port = 0): Uint8Array {
  const frame = new Uint8Array(80);
  frame.set([0x33, 0x33, 0, 0, 0, 0xfb, 2, 0, 0, 0, 0, 1, 0x86, 0xdd, 0x60]);
  frame[20] = nextHeader;
  frame.set(nextHeader === 17 ? [0, 9, port >> 8, port & 255] : [first], 54);
  return frame;
}

describe('what may leave a node as broadcast or multicast', () => {
  it.each<[string, boolean, Uint8Array]>([
    ['mDNS over IPv4', true, mdns],
    ['mDNS over IPv6', true, ip6Frame(17, 0, 5353)],
    ['an echo request to a group', true, ip6Frame(58, 128)],
    ['DHCP', false, ip4Frame({ to: 'ff:ff:ff:ff:ff:ff', destination: '255.255.255.255', port: 67 })],
    ['DHCPv6', false, ip6Frame(17, 0, 547)],
    ['IGMP', false, ip4Frame({ to: '01:00:5e:00:00:16', destination: '224.0.0.22', protocol: 2 })],
    ['a listener report', false, ip6Frame(58, 143)],
    ['a listener report behind a hop-by-hop header', false, ip6Frame(0, 58)],
    ['a router solicitation', false, ip6Frame(58, 133)],
    ['a router advertisement', false, ip6Frame(58, 134)],
    [
      'spanning tree',
      false,
      Uint8Array.from([1, 0x80, 0xc2, 0, 0, 0, 2, 0, 0, 0, 0, 1, 0, 38, 0x42, 0x42, 3]),
    ],
    ['ARP', false, arpRequestFrame('10.64.0.1', '10.64.0.2')],
    ['a frame that ends in its header', false, mdns.subarray(0, 13)],
  ])('%s: %s', (_what, may, frame) => {
    expect(mayLeave(frame)).toBe(may);
  });
});

describe('the storm limit', () => {
  it('lets a burst pass, then the rate, and counts the rest', async () => {
    const clock = new ManualClock();
    const policy = new FloodPolicy(clock);
    const sentOf = (frames: number) =>
      Array.from({ length: frames }, () => policy.judge(mdns)).filter((verdict) => verdict === 'send').length;
    expect(sentOf(1000)).toBe(FLOOD_BURST_FRAMES);
    await clock.advance(1000);
    expect(sentOf(1000)).toBe(FLOOD_FRAMES_PER_SECOND);
    await clock.advance(60_000);
    expect(sentOf(1000)).toBe(FLOOD_BURST_FRAMES);
  });
});
