import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameBundle, framesIn } from '../../../agent/wire/frame-bundle.ts';

const frames = fc.array(fc.uint8Array({ minLength: 1, maxLength: 2000 }), { maxLength: 20 });

describe('a bundle of frames', () => {
  it('gives back, in their order, the frames that it had room for', () => {
    fc.assert(
      fc.property(frames, fc.integer({ min: 1, max: 16_384 }), (sent, maxBytes) => {
        const bundle = new FrameBundle(maxBytes);
        const taken = sent.filter((frame) => bundle.add(frame));
        const message = bundle.take();
        expect(message.length).toBeLessThanOrEqual(maxBytes);
        expect(framesIn(message)).toEqual(taken);
      }),
    );
  });

  it('is empty after it was taken, and keeps nothing of what it held', () => {
    const bundle = new FrameBundle(100);
    expect(bundle.add(new Uint8Array(60).fill(7))).toBe(true);
    expect(bundle.isEmpty).toBe(false);
    bundle.take();
    expect(bundle.isEmpty).toBe(true);
    expect(bundle.add(Uint8Array.of(1, 2))).toBe(true);
    expect(framesIn(bundle.take())).toEqual([Uint8Array.of(1, 2)]);
  });

  it('refuses what it has no room for, and stays as it was', () => {
    const bundle = new FrameBundle(64);
    expect(bundle.add(new Uint8Array(63))).toBe(false);
    expect(bundle.isEmpty).toBe(true);
    expect(bundle.add(new Uint8Array(62))).toBe(true);
    expect(bundle.add(new Uint8Array(1))).toBe(false);
    expect(framesIn(bundle.take())).toEqual([new Uint8Array(62)]);
  });

  it('hands over nothing of a message whose lengths do not fit it', () => {
    for (const message of [[0], [0, 0], [0, 2, 1], [0, 1, 9, 0], [0, 1, 9, 0, 0], [255, 255, 1]]) {
      expect(framesIn(Uint8Array.from(message))).toEqual([]);
    }
  });

  it('reads any message without more frames than bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 4000 }), (message) => {
        const read = framesIn(message);
        const bytes = read.reduce((sum, frame) => sum + 2 + frame.length, 0);
        expect([0, message.length]).toContain(bytes);
      }),
    );
  });
});
