import { beforeEach, describe, expect, it } from 'vitest';
import { DropCounters } from '../../../agent/overlay/drop-counters.ts';
import { ANSWER_BURST, ANSWERS_PER_SECOND, OversizeFrames } from '../../../agent/overlay/oversize.ts';
import { FakeLinkTable } from '../../fakes/fake-link-table.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';

/** An IPv4 packet of 1400 bytes in a frame. */
function frame(df: boolean): Uint8Array {
  const bytes = new Uint8Array(1414);
  bytes.set([
    2,
    0,
    0,
    0,
    0,
    2,
    2,
    0,
    0,
    0,
    0,
    1,
    0x08,
    0,
    0x45,
    0,
    1400 >> 8,
    1400 & 0xff,
    0,
    0,
    df ? 0x40 : 0,
  ]);
  return bytes;
}

let clock: ManualClock;
let links: FakeLinkTable;
let drops: DropCounters;
let delivered: Uint8Array[];
let slow: Uint8Array[];
let oversize: OversizeFrames;

const receive = (df: boolean) => oversize.receive(3, frame(df), (one) => void slow.push(one));

beforeEach(() => {
  clock = new ManualClock();
  links = new FakeLinkTable();
  drops = new DropCounters();
  delivered = [];
  slow = [];
  const datapath = { deliver: (_slot: number | null, one: Uint8Array) => delivered.push(one) > 0 };
  oversize = new OversizeFrames({ links, datapath, drops, clock });
  links.limits.set(3, { bytes: 1300, settled: true });
});

describe('frames that the path does not carry', () => {
  it('are answered by ICMP, and counted', () => {
    receive(true);
    expect(delivered).toHaveLength(1);
    expect(slow).toEqual([]);
    expect(drops.snapshot()).toEqual({ 'path-mtu-exceeded': 1 });
  });

  it('take the slow path where they may be fragmented, and while the limit is still searched', () => {
    receive(false);
    links.limits.set(3, { bytes: 1200, settled: false });
    receive(true);
    links.limits.delete(3);
    receive(true);
    expect(slow).toHaveLength(3);
    expect(delivered).toEqual([]);
  });

  it('are answered at a bounded rate', async () => {
    for (let count = 0; count < 500; count++) receive(true);
    expect(delivered).toHaveLength(ANSWER_BURST);
    await clock.advance(1_000);
    for (let count = 0; count < 500; count++) receive(true);
    expect(delivered).toHaveLength(ANSWER_BURST + Math.min(ANSWERS_PER_SECOND, ANSWER_BURST));
    expect(drops.snapshot()).toEqual({ 'path-mtu-exceeded': 1000 });
  });
});
