/** The search and the choice together, in virtual time: what moves a flow, and how often. */
import { beforeEach, describe, expect, it } from 'vitest';
import { pathKey } from '../../../agent/links/path-candidate.ts';
import { PathSearch } from '../../../agent/links/path-search.ts';
import type { Endpoint } from '../../../agent/ports/datapath.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';

const [A, B] = ['192.0.2.1', '192.0.2.2'].map((address): Endpoint => ({ address, port: 1 })) as [
  Endpoint,
  Endpoint,
];

/** Two ways, a flow on the one that is chosen: its way is probed every 500 ms, both every 5 s. */
class TwoWays {
  readonly clock = new ManualClock();
  readonly moves: number[] = [];
  /** By way: round trips; Infinity loses the probe. */
  rttMs = new Map([
    [pathKey(A), 5],
    [pathKey(B), 5],
  ]);
  current: string | null = null;
  readonly search = new PathSearch({
    clock: this.clock,
    allowed: () => true,
    sendProbe: (endpoint, id) => {
      const rttMs = this.rttMs.get(pathKey(endpoint)) ?? 0;
      if (Number.isFinite(rttMs)) void this.clock.after(rttMs, () => this.#echo(endpoint, id, rttMs));
    },
  });

  #echo(endpoint: Endpoint, id: number, rttMs: number): void {
    this.search.echo(endpoint, id, rttMs);
    const key = this.search.choose(null);
    if (key === this.current) return;
    if (this.current !== null) this.moves.push(this.clock.monotonicMs());
    this.current = key;
    this.search.use(key);
  }

  async pass(ms: number, each = (_passedMs: number): void => undefined): Promise<void> {
    for (let passed = 0; passed < ms; passed += 500) {
      each(passed);
      if (passed % 5_000 === 0) this.search.compare();
      else if (this.current !== null) this.search.probe(this.current);
      await this.clock.advance(500);
    }
  }
}

let ways: TwoWays;

beforeEach(async () => {
  ways = new TwoWays();
  ways.search.learn([A, B]);
  ways.search.restart();
  await ways.pass(10_000);
});

const other = () => pathKey(ways.current === pathKey(A) ? B : A);

describe('a flow with two ways', () => {
  it('moves to the shorter one within 12 s, once', async () => {
    const better = other();
    ways.rttMs.set(ways.current ?? '', 35);
    await ways.pass(12_000);
    expect(ways.current).toBe(better);
    await ways.pass(600_000);
    expect(ways.moves).toHaveLength(1);
  });

  it('stays where its round trip fluctuates', async () => {
    const way = ways.current ?? '';
    await ways.pass(600_000, (passed) => ways.rttMs.set(way, passed % 3_000 === 0 ? 5 : 80));
    expect(ways.moves).toEqual([]);
  });

  it('moves ever more rarely between ways that take turns at being longer, at last every five minutes', async () => {
    await ways.pass(3_600_000, (passed) => {
      const turn = Math.floor(passed / 30_000) % 2;
      ways.rttMs.set(pathKey(A), turn === 0 ? 5 : 50).set(pathKey(B), turn === 0 ? 50 : 5);
    });
    const lateMoves = ways.moves.filter((atMs) => atMs > 1_800_000);
    expect(ways.moves.length - lateMoves.length).toBeGreaterThan(5);
    expect(lateMoves.length).toBeLessThanOrEqual(6);
  });

  it('leaves a way that loses probes within 3 s, and takes it again only when it is by far better', async () => {
    const lossy = ways.current ?? '';
    await ways.pass(3_000, (passed) => ways.rttMs.set(lossy, passed % 1_000 === 0 ? 5 : Infinity));
    expect(ways.current).not.toBe(lossy);
    await ways.pass(600_000, (passed) => ways.rttMs.set(lossy, passed % 10_000 === 0 ? 4 : Infinity));
    expect(ways.moves).toHaveLength(1);
  });
});
