import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checksum, tooBigAnswer } from '../../../agent/wire/icmp.ts';
import { icmp6Checksum } from '../../../agent/wire/neighbour-discovery.ts';

const FROM_MAC = [2, 0, 0, 0, 0, 0x0a];
const TO_MAC = [2, 0, 0, 0, 0, 0x0b];
const FROM_IP6 = [0xfd, ...new Array(14).fill(0), 1];
const TO_IP6 = [0xfd, ...new Array(14).fill(0), 2];

/** A TCP packet of `bytes` bytes, DF set unless told otherwise. */
function ip4Frame(bytes: number, { df = true, offset = 0, protocol = 6, type = 0 } = {}): Uint8Array {
  const flags = (df ? 0x40 : 0) | (offset >> 8);
  const header = [0x45, 0, bytes >> 8, bytes & 0xff, 0x12, 0x34, flags, offset & 0xff, 64, protocol, 0, 0];
  const packet = Uint8Array.from({ length: bytes }, (_, at) => at & 0xff);
  packet.set([...header, 10, 64, 0, 1, 10, 64, 0, 2, type]);
  return Uint8Array.from([...TO_MAC, ...FROM_MAC, 0x08, 0x00, ...packet]);
}

function ip6Frame(bytes: number, nextHeader = 6, type = 0): Uint8Array {
  const packet = Uint8Array.from({ length: bytes }, (_, at) => at & 0xff);
  packet.set([0x60, 0, 0, 0, (bytes - 40) >> 8, (bytes - 40) & 0xff, nextHeader, 64]);
  packet.set([...FROM_IP6, ...TO_IP6, type], 8);
  return Uint8Array.from([...TO_MAC, ...FROM_MAC, 0x86, 0xdd, ...packet]);
}

const answered = (frame: Uint8Array, limit: number): Uint8Array => {
  const answer = tooBigAnswer(frame, limit);
  if (!answer) throw new Error('there is no answer');
  return answer;
};

describe('the answer to an IPv4 packet that is too large', () => {
  const answer = answered(ip4Frame(1400), 1214);

  it('goes back to the sender, from the destination, with checksums that hold', () => {
    expect([...answer.subarray(0, 14)]).toEqual([...FROM_MAC, ...TO_MAC, 0x08, 0x00]);
    expect([...answer.subarray(26, 34)]).toEqual([10, 64, 0, 2, 10, 64, 0, 1]);
    expect(checksum(answer.subarray(14, 34))).toBe(0);
    expect(checksum(answer.subarray(34))).toBe(0);
  });

  it('is destination unreachable, fragmentation needed, with the MTU and the packet’s beginning', () => {
    expect([...answer.subarray(34, 36)]).toEqual([3, 4]);
    expect([...answer.subarray(38, 42)]).toEqual([0, 0, 1200 >> 8, 1200 & 0xff]);
    expect(answer.length).toBe(14 + 576);
    expect(answer[16] === 576 >> 8 && answer[17] === (576 & 0xff)).toBe(true);
    expect([...answer.subarray(42)]).toEqual([...ip4Frame(1400).subarray(14, 14 + 548)]);
  });

  it('keeps a VLAN tag, and counts its bytes', () => {
    const plain = ip4Frame(1400);
    const tagged = Uint8Array.from([...plain.subarray(0, 12), 0x81, 0, 0, 5, ...plain.subarray(12)]);
    const tag = answered(tagged, 1218);
    expect([...tag.subarray(12, 18)]).toEqual([0x81, 0, 0, 5, 0x08, 0]);
    expect([...tag.subarray(44, 46)]).toEqual([1200 >> 8, 1200 & 0xff]);
  });

  it('is not given without DF, to later fragments, to ICMP errors and to groups', () => {
    expect(tooBigAnswer(ip4Frame(1400, { df: false }), 1214)).toBeNull();
    expect(tooBigAnswer(ip4Frame(1400, { offset: 100 }), 1214)).toBeNull();
    expect(tooBigAnswer(ip4Frame(1400, { protocol: 1, type: 3 }), 1214)).toBeNull();
    expect(tooBigAnswer(ip4Frame(1400, { protocol: 1, type: 8 }), 1214)).not.toBeNull();
    const group = ip4Frame(1400);
    group[0] = 1;
    expect(tooBigAnswer(group, 1214)).toBeNull();
  });
});

describe('the answer to an IPv6 packet that is too large', () => {
  const answer = answered(ip6Frame(1400), 1314);

  it('is packet too big, with the MTU, within 1280 bytes, and a checksum that holds', () => {
    expect([...answer.subarray(54, 56)]).toEqual([2, 0]);
    expect([...answer.subarray(58, 62)]).toEqual([0, 0, 1300 >> 8, 1300 & 0xff]);
    expect(answer.length).toBe(14 + 1280);
    expect([...answer.subarray(22, 54)]).toEqual([...TO_IP6, ...FROM_IP6]);
    expect(icmp6Checksum(answer.subarray(22, 54), answer.subarray(54))).toBe(0);
    expect([...answer.subarray(62)]).toEqual([...ip6Frame(1400).subarray(14, 14 + 1232)]);
  });

  it('is not given below 1280, nor to ICMPv6 errors', () => {
    expect(tooBigAnswer(ip6Frame(1400), 1214)).toBeNull();
    expect(tooBigAnswer(ip6Frame(1400, 58, 1), 1314)).toBeNull();
    expect(tooBigAnswer(ip6Frame(1400, 58, 128), 1314)).not.toBeNull();
  });
});

describe('the answer to anything else', () => {
  it('is none, or a whole frame with checksums that hold', () => {
    const start = fc.constantFrom(
      [0x08, 0x00, 0x45],
      [0x86, 0xdd, 0x60],
      [0x08, 0x06],
      [0x81, 0, 0, 1, 8, 0],
    );
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 120 }), (type, rest) => {
        const frame = Uint8Array.from([...TO_MAC, ...FROM_MAC, ...type, ...rest]);
        const answer = tooBigAnswer(frame, 1314);
        if (answer?.[12] === 0x08) expect(checksum(answer.subarray(14, 34))).toBe(0);
      }),
    );
  });
});
