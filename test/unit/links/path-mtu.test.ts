import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { BASE_FRAME_BYTES, PathMtu } from '../../../agent/links/path-mtu.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';

const MAX = 1418;

/** A path that drops what is larger, and every so many packets besides. */
class NarrowPath {
  carries: number;
  loseEvery = 0;
  probes = 0;
  changes = 0;
  frames = 0;
  readonly clock = new ManualClock();
  readonly mtu: PathMtu;

  constructor(carries: number) {
    this.carries = carries;
    this.mtu = new PathMtu({
      clock: this.clock,
      maxFrameBytes: MAX,
      probe: (size) => this.#probe(size),
      changed: () => void this.changes++,
    });
  }

  /** Ticks as the fast path does. */
  async pass(ms: number, framesATick = 0): Promise<void> {
    for (let passed = 0; passed < ms; passed += 250) {
      await this.clock.advance(250);
      this.frames += framesATick;
      this.mtu.tick(this.clock.monotonicMs(), this.frames);
    }
  }

  #probe(size: number): number {
    const id = ++this.probes;
    const lost = this.loseEvery > 0 && id % this.loseEvery === 0;
    if (size <= this.carries && !lost) void this.clock.after(20, () => this.mtu.echoed(id));
    return id;
  }
}

let path: NarrowPath;

beforeEach(() => {
  path = new NarrowPath(9_999);
});

describe('the path MTU', () => {
  it('is the whole frame after one round trip where the path carries it', async () => {
    path.mtu.restart();
    expect(path.mtu.limit).toEqual({ bytes: BASE_FRAME_BYTES, settled: false });
    await path.clock.advance(20);
    expect(path.mtu.limit).toEqual({ bytes: MAX, settled: true });
  });

  it('is found within eight bytes and five seconds on any path, and never too large', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 500, max: 1_500 }), async (carries) => {
        const narrow = new NarrowPath(carries);
        narrow.mtu.restart();
        await narrow.pass(5_000);
        const { bytes, settled } = narrow.mtu.limit;
        expect(settled).toBe(true);
        expect(bytes).toBeLessThanOrEqual(Math.max(carries, BASE_FRAME_BYTES));
        expect(bytes).toBeGreaterThan(Math.min(carries, MAX) - 9);
      }),
      { numRuns: 40 },
    );
  });

  it('is found through loss', async () => {
    path.loseEvery = 3;
    path.mtu.restart();
    await path.pass(5_000);
    expect(path.mtu.limit).toEqual({ bytes: MAX, settled: true });
  });

  it('follows a path that becomes narrower, while frames flow', async () => {
    path.mtu.restart();
    await path.pass(1_000, 10);
    path.carries = 1_300;
    await path.pass(10_000, 10);
    const { bytes, settled } = path.mtu.limit;
    expect(settled).toBe(true);
    expect(bytes).toBeLessThanOrEqual(1_300);
    expect(bytes).toBeGreaterThan(1_291);
  });

  it('follows a path that becomes wider, after ten minutes', async () => {
    path.carries = 1_300;
    path.mtu.restart();
    await path.pass(5_000, 10);
    path.carries = 9_999;
    await path.pass(610_000, 10);
    expect(path.mtu.limit).toEqual({ bytes: MAX, settled: true });
  });

  it('costs nothing while nobody sends', async () => {
    path.mtu.restart();
    await path.pass(5_000, 10);
    await path.pass(5_000);
    const before = path.probes;
    await path.pass(3_600_000);
    expect(path.probes).toBe(before);
  });

  it('knows its own probes', () => {
    path.mtu.restart();
    const before = path.mtu.limit.bytes;
    path.mtu.echoed(999);
    expect(path.mtu.limit.bytes).toBe(before);
    path.mtu.echoed(1);
    expect(path.mtu.limit.bytes).toBeGreaterThan(before);
  });
});
