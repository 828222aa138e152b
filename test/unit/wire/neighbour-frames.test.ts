import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arpReply, readArpRequest } from '../../../agent/wire/arp.ts';
import { macText } from '../../../agent/wire/ethernet-frame.ts';
import {
  icmp6Checksum,
  neighbourAdvertisement,
  readNeighbourSolicitation,
} from '../../../agent/wire/neighbour-discovery.ts';
import { arpRequestFrame, solicitationFrame } from '../../fakes/frames.ts';

const PEER_MAC = '02:66:68:aa:ad:9f';

describe('ARP', () => {
  it('reads a request and answers it in the form of RFC 826', () => {
    const request = readArpRequest(arpRequestFrame('10.64.0.1', '10.64.0.7'));
    expect(request?.targetIp).toBe('10.64.0.7');
    const reply = arpReply(request as NonNullable<typeof request>, PEER_MAC);
    expect(Buffer.from(reply).toString('hex')).toBe(
      '02000000000102' +
        '6668aaad9f' +
        '0806' +
        '0001080006040002' +
        '026668aaad9f0a400007' +
        '0200000000010a400001',
    );
  });

  it('sees no request in a reply, nor in a frame that ends early', () => {
    const frame = arpRequestFrame('10.64.0.1', '10.64.0.7');
    for (let length = 0; length < frame.length; length++)
      expect(readArpRequest(frame.subarray(0, length))).toBeNull();
    frame[21] = 2;
    expect(readArpRequest(frame)).toBeNull();
  });
});

describe('neighbour discovery', () => {
  const frame = solicitationFrame('fd66:68aa:ad9f:0:630d:cd29:8589:c1b0');

  it('answers a solicitation with an advertisement whose checksum holds', () => {
    const solicitation = readNeighbourSolicitation(frame);
    const reply = neighbourAdvertisement(solicitation as NonNullable<typeof solicitation>, PEER_MAC);
    expect(macText(reply.subarray(0, 6))).toBe('02:00:00:00:00:01');
    expect(reply[54]).toBe(136);
    expect(macText(reply.subarray(80, 86))).toBe(PEER_MAC);
    // A receiver sums the message with its checksum in place and must get zero (RFC 4443 section 2.3).
    expect(icmp6Checksum(reply.subarray(22, 54), reply.subarray(54))).toBe(0);
  });

  it('does not answer what was forwarded (hop limit below 255)', () => {
    const forwarded = frame.slice();
    forwarded[21] = 254;
    expect(readNeighbourSolicitation(forwarded)).toBeNull();
  });
});

it('no bytes make a reader throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
      readArpRequest(bytes);
      readNeighbourSolicitation(bytes);
    }),
  );
});
