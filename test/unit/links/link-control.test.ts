import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeLinkControl,
  encodeLinkControl,
  type LinkControl,
  MAX_CONTROL_BYTES,
} from '../../../agent/wire/link-control.ts';

const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const endpoints = fc.array(
  fc.record({
    address: fc.oneof(fc.ipV4(), fc.constant('2001:db8::1')),
    port: fc.integer({ min: 1, max: 65535 }),
  }),
  { maxLength: 16 },
);
const control: fc.Arbitrary<LinkControl> = fc.oneof(
  fc.record({
    type: fc.constant('fast-offer' as const),
    generation: uint32,
    receiveIndex: uint32,
    receiveKey: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    ciphers: fc.array(fc.string({ maxLength: 32 }), { maxLength: 8 }),
    aesHardware: fc.boolean(),
    endpoints,
  }),
  fc.record({
    type: fc.constant('resume' as const),
    own: fc.constant('0123456789abcdef'),
    peer: fc.constantFrom(null, 'fedcba9876543210'),
  }),
  fc.record({
    type: fc.constant('fast-ready' as const),
    generation: uint32,
    step: fc.constantFrom('receive' as const, 'send' as const),
  }),
  fc.record({ type: fc.constant('endpoints' as const), endpoints }),
  fc.record({ type: fc.constantFrom('ping' as const, 'pong' as const), id: uint32 }),
  fc.constant({ type: 'quiet' as const }),
  fc.record({ type: fc.constant('bye' as const), reason: fc.string({ maxLength: 64 }) }),
);

describe('link control messages', () => {
  it('come out as they went in', () => {
    fc.assert(
      fc.property(control, (message) => {
        expect(decodeLinkControl(encodeLinkControl(message))).toEqual(message);
      }),
    );
  });

  it('are refused without a throw when they are anything else', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(decodeLinkControl(text)).toBeNull();
      }),
    );
  });

  it('are refused when too long, of another version, or with a field too many', () => {
    const ping = encodeLinkControl({ type: 'ping', id: 1 });
    expect(decodeLinkControl(ping)).toEqual({ type: 'ping', id: 1 });
    expect(decodeLinkControl(`${ping}${' '.repeat(MAX_CONTROL_BYTES)}`)).toBeNull();
    expect(decodeLinkControl('{"v":2,"type":"ping","id":1}')).toBeNull();
    expect(decodeLinkControl('{"v":1,"type":"ping","id":1,"more":1}')).toBeNull();
  });

  it('are refused at every truncation', () => {
    const text = encodeLinkControl({ type: 'endpoints', endpoints: [{ address: '192.0.2.1', port: 9 }] });
    for (let length = 0; length < text.length; length++)
      expect(decodeLinkControl(text.slice(0, length))).toBeNull();
  });
});
