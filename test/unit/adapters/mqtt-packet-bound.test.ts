import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PacketBound } from '../../../agent/adapters/mqtt-packet-bound.ts';

/** A packet with a body of this length, as MQTT 3.1.1 section 2.2.3 encodes it. */
function packet(bodyBytes: number): Uint8Array {
  const header = [0x30];
  let left = bodyBytes;
  do {
    header.push((left % 128) + (left >= 128 ? 128 : 0));
    left = Math.floor(left / 128);
  } while (left > 0);
  return Uint8Array.from([...header, ...new Uint8Array(bodyBytes).fill(0xff)]);
}

function admitted(bound: PacketBound, bytes: Uint8Array, cuts: readonly number[]): boolean {
  const borders = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return borders.slice(1).every((border, index) => bound.admits(bytes.subarray(borders[index], border)));
}

describe('PacketBound', () => {
  it('admits packets up to the bound, however the stream is cut, and nothing beyond', () => {
    const lengths = fc.array(fc.integer({ min: 0, max: 1100 }), { maxLength: 8 });
    fc.assert(
      fc.property(lengths, fc.array(fc.nat(9000), { maxLength: 12 }), (bodies, cuts) => {
        const stream = Uint8Array.from(bodies.flatMap((bytes) => [...packet(bytes)]));
        expect(admitted(new PacketBound(1000), stream, cuts)).toBe(bodies.every((bytes) => bytes <= 1000));
      }),
    );
  });

  it('refuses at the header, before the body has come', () => {
    expect(new PacketBound(1000).admits(packet(1001).subarray(0, 3))).toBe(false);
  });

  it('refuses a length of more than four bytes', () => {
    expect(new PacketBound(2 ** 30).admits(Uint8Array.of(0x30, 0x80, 0x80, 0x80))).toBe(true);
    expect(new PacketBound(2 ** 30).admits(Uint8Array.of(0x30, 0x80, 0x80, 0x80, 0x80))).toBe(false);
  });

  it('takes any bytes without throwing', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => {
        expect(typeof new PacketBound(100).admits(bytes)).toBe('boolean');
      }),
    );
  });
});
