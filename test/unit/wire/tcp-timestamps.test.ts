import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { forgetTimestampEcho } from '../../../agent/wire/tcp-timestamps.ts';
import { ip4Frame } from '../../fakes/frames.ts';

const TCP_AT = 34;
const HEADER_BYTES = 20;

/** A segment with these options, padded to whole words, and a right checksum over what the test looks at. */
function segment(options: readonly number[], payload: readonly number[] = []): Uint8Array {
  const padded = [...options, ...new Array<number>((4 - (options.length % 4)) % 4).fill(0)];
  const bytes = HEADER_BYTES + padded.length + payload.length;
  const to = '02:00:00:00:00:02';
  const frame = ip4Frame({ to, destination: '10.64.0.7', protocol: 6, bytes });
  frame[TCP_AT + 12] = ((HEADER_BYTES + padded.length) / 4) << 4;
  frame[TCP_AT + 13] = 0x10;
  frame.set([...padded, ...payload], TCP_AT + HEADER_BYTES);
  frame.set([0, 0], TCP_AT + 16);
  const sum = ~sumOf(frame.subarray(TCP_AT)) & 0xffff;
  frame.set([sum >> 8, sum & 255], TCP_AT + 16);
  return frame;
}

function sumOf(bytes: Uint8Array): number {
  let sum = 0;
  bytes.forEach((byte, at) => {
    sum += at % 2 === 0 ? byte << 8 : byte;
  });
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return sum;
}

const timestamps = (value: readonly number[], echo: readonly number[]) => [8, 10, ...value, ...echo];
const four = fc.array(fc.nat(255), { minLength: 4, maxLength: 4 });

describe('the time that a segment echoes', () => {
  it('becomes zero, wherever its option stands, and the checksum stays right', () => {
    fc.assert(
      fc.property(
        four,
        four,
        fc.nat(3),
        fc.array(fc.nat(255), { maxLength: 9 }),
        (value, echo, before, payload) => {
          const noOperations = new Array<number>(before).fill(1);
          const frame = segment([...noOperations, ...timestamps(value, echo), 5, 2], payload);
          const wanted = segment([...noOperations, ...timestamps(value, [0, 0, 0, 0]), 5, 2], payload);
          forgetTimestampEcho(frame);
          expect(sumOf(frame.subarray(TCP_AT))).toBe(0xffff);
          for (const one of [frame, wanted]) one.set([0, 0], TCP_AT + 16);
          expect(frame).toEqual(wanted);
        },
      ),
    );
  });

  it('is not looked for in what is no segment of a connection, nor behind the end of the options', () => {
    const opening = segment(timestamps([1, 2, 3, 4], [5, 6, 7, 8]));
    opening[TCP_AT + 13] = 0x12;
    const ended = segment([0, 1, ...timestamps([1, 2, 3, 4], [5, 6, 7, 8])]);
    const other = ip4Frame({ to: '02:00:00:00:00:02', destination: '10.64.0.7', bytes: 60 });
    for (const frame of [opening, ended, other, segment([])]) {
      const before = frame.slice();
      forgetTimestampEcho(frame);
      expect(frame).toEqual(before);
    }
  });

  it('is sought without a throw in whatever looks like a segment', () => {
    const anything = fc.uint8Array({ maxLength: 80 });
    fc.assert(
      fc.property(anything, anything, (head, tail) => {
        const frame = segment([...head.subarray(0, 40)]);
        frame.set(tail.subarray(0, Math.max(0, frame.length - TCP_AT)), TCP_AT);
        forgetTimestampEcho(frame.slice(0, TCP_AT + head.length));
        forgetTimestampEcho(frame);
      }),
    );
  });
});
