import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bindingRequest, readBindingAnswer, stunServer } from '../../../agent/wire/stun.ts';

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex.replaceAll(/\s/g, ''), 'hex'));

/** RFC 5769 section 2.2 and 2.3: the sample responses over IPv4 and IPv6, with their integrity and fingerprint. */
const SAMPLE_IP4 = bytes(`0101003c 2112a442 b7e7a701bc34d686fa87dfae
  8022000b 7465737420766563746f7220 00200008 0001a147e112a643
  00080014 2b91f599fd9e90c38c7489f92af9ba53f06be7d7 80280004 c07d4c96`);
const SAMPLE_IP6 = bytes(`01010048 2112a442 b7e7a701bc34d686fa87dfae
  8022000b 7465737420766563746f7220 00200014 0002a147 0113a9faa5d3f179bc25f4b5bed2b9d9
  00080014 a382954e4be67bf11784c97c8292c275bfe3ed41 80280004 c8fb0b4c`);

describe('STUN', () => {
  it('reads the sample answers of RFC 5769', () => {
    const transactionId = bytes('b7e7a701bc34d686fa87dfae');
    expect(readBindingAnswer(SAMPLE_IP4)).toEqual({ transactionId, address: '192.0.2.1', port: 32853 });
    expect(readBindingAnswer(SAMPLE_IP6)).toEqual({
      transactionId,
      address: '2001:db8:1234:5678:11:2233:4455:6677',
      port: 32853,
    });
  });

  it('asks with a request that has no attributes', () => {
    const request = bindingRequest(bytes('000102030405060708090a0b'));
    expect(Buffer.from(request).toString('hex')).toBe('000100002112a442000102030405060708090a0b');
    expect(readBindingAnswer(request)).toBeNull();
  });

  it('refuses every truncation, and answers to nothing else without a throw', () => {
    for (let length = 0; length < SAMPLE_IP4.length; length++) {
      expect(readBindingAnswer(SAMPLE_IP4.subarray(0, length))).toBeNull();
    }
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (any) => void readBindingAnswer(any)));
    const changed = fc.tuple(fc.nat(SAMPLE_IP6.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(changed, { maxLength: 8 }), (changes) => {
        const message = SAMPLE_IP6.slice();
        for (const [at, value] of changes) message[at] = value;
        const answer = readBindingAnswer(message);
        if (answer) expect(answer.port).toBeGreaterThan(0);
      }),
      { numRuns: 2000 },
    );
  });

  it('knows STUN servers by their names, and passes TURN servers over', () => {
    expect(stunServer('stun:stun.example.org')).toEqual({ host: 'stun.example.org', port: 3478 });
    expect(stunServer('stun:192.0.2.1:9')).toEqual({ host: '192.0.2.1', port: 9 });
    expect(stunServer('stun:[2001:db8::1]:9')).toEqual({ host: '2001:db8::1', port: 9 });
    for (const other of ['turn:a:b@host:1', 'stun:', 'stun:host:0', 'stun:host:99999', 'host:1']) {
      expect(stunServer(other)).toBeNull();
    }
  });
});
