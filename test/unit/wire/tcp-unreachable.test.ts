import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { macBytes } from '../../../agent/wire/ethernet-frame.ts';
import { tcpKindOf } from '../../../agent/wire/tcp-segment.ts';
import { tcpUnreachable } from '../../../agent/wire/tcp-unreachable.ts';
import { ip4Frame, OWN_MAC } from '../../fakes/frames.ts';

const PEER_MAC = '02:00:00:00:00:02';
const ACK = 0x10;

function segment4(flags = ACK): Uint8Array {
  const frame = ip4Frame({ to: PEER_MAC, destination: '10.64.0.7', protocol: 6, bytes: 20 });
  frame[14 + 20 + 13] = flags;
  return frame;
}

function segment6(): Uint8Array {
  const [source, destination] = [1, 7].map((last) => [0xfd, ...new Array<number>(14).fill(0), last]);
  return Uint8Array.from([
    ...[...macBytes(PEER_MAC), ...macBytes(OWN_MAC), 0x86, 0xdd],
    ...[0x60, 0, 0, 0, 0, 21, 6, 64, ...(source ?? []), ...(destination ?? [])],
    ...[...new Array<number>(13).fill(0), ACK, ...new Array<number>(7).fill(0)],
  ]);
}

/** The Internet checksum of something that holds its own is zero. */
function sumOf(bytes: readonly number[]): number {
  let sum = 0;
  bytes.forEach((byte, at) => {
    sum += at % 2 === 0 ? byte << 8 : byte;
  });
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}

describe('the answer to a TCP segment that cannot be sent', () => {
  it('is ICMP host unreachable from its destination, with the segment in it', () => {
    const frame = segment4();
    const answer = [...(tcpUnreachable(frame) ?? [])];
    expect(answer.slice(0, 12)).toEqual([...frame.subarray(6, 12), ...frame.subarray(0, 6)]);
    const [header, icmp] = [answer.slice(14, 34), answer.slice(34)];
    expect([sumOf(header), sumOf(icmp)]).toEqual([0, 0]);
    expect(header.slice(12)).toEqual([10, 64, 0, 7, 10, 64, 0, 1]);
    expect(header.slice(2, 4)).toEqual([0, answer.length - 14]);
    expect(icmp.slice(0, 2)).toEqual([3, 1]);
    expect(icmp.slice(8)).toEqual([...frame.subarray(14)]);
  });

  it('is ICMPv6 no route over IPv6', () => {
    const frame = segment6();
    const answer = [...(tcpUnreachable(frame) ?? [])];
    const [header, icmp] = [answer.slice(14, 54), answer.slice(54)];
    expect(header.slice(8)).toEqual([
      ...frame.subarray(14 + 24, 14 + 40),
      ...frame.subarray(14 + 8, 14 + 24),
    ]);
    expect(sumOf([...header.slice(8), 0, 0, 0, icmp.length, 0, 0, 0, 58, ...icmp])).toBe(0);
    expect(icmp.slice(0, 2)).toEqual([1, 0]);
    expect(icmp.slice(8)).toEqual([...frame.subarray(14)]);
  });

  it('goes into the VLAN that the segment came from', () => {
    const tag = [0x81, 0x00, 0x20, 0x07];
    for (const frame of [segment4(), segment6()]) {
      const tagged = Uint8Array.from([...frame.subarray(0, 12), ...tag, ...frame.subarray(12)]);
      const plain = [...(tcpUnreachable(frame) ?? [])];
      expect([...(tcpUnreachable(tagged) ?? [])]).toEqual([
        ...plain.slice(0, 12),
        ...tag,
        ...plain.slice(12),
      ]);
      expect(tcpKindOf(tagged)).toBe(tcpKindOf(frame));
    }
  });

  it('is for data and bare segments alike, which are told apart', () => {
    const bare = segment4();
    // Total length 40: headers only; data offset 5.
    bare[14 + 3] = 40;
    bare[14 + 20 + 12] = 0x50;
    expect(tcpKindOf(bare)).toBe('bare');
    bare[14 + 3] = 41;
    expect(tcpKindOf(bare)).toBe('data');
  });

  it('is not given to what opens or resets a connection, nor to anything else', () => {
    for (const flags of [0x02, 0x12, 0x04, 0x14]) expect(tcpUnreachable(segment4(flags))).toBeNull();
    expect(tcpUnreachable(ip4Frame({ to: PEER_MAC, destination: '10.64.0.7', bytes: 40 }))).toBeNull();
    const fragment = segment4();
    fragment[14 + 7] = 1;
    expect(tcpKindOf(fragment)).toBeNull();
  });

  it('never throws, whatever a frame looks like', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 120 }),
        fc.constantFrom(segment4(), segment6()),
        (bytes, frame) => {
          tcpUnreachable(bytes);
          tcpKindOf(frame.slice(0, bytes.length));
          tcpUnreachable(frame.slice(0, bytes.length));
        },
      ),
    );
  });
});
