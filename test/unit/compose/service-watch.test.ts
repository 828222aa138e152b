import { describe, expect, it } from 'vitest';
import { ServiceWatch, type WatchedNode } from '../../../agent/compose-watch.ts';
import type { ServiceManager } from '../../../agent/ports/service-manager.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';
import { RecordingLog } from '../../fakes/recording-log.ts';

class FakeManager implements ServiceManager {
  readonly said: string[] = [];
  readonly watchdogMs: number | null;

  constructor(watchdogMs: number | null) {
    this.watchdogMs = watchdogMs;
  }

  ready = () => void this.said.push('ready');
  alive = () => void this.said.push('alive');
  stopping = () => void this.said.push('stopping');
  status = (line: string) => void this.said.push(`status ${line}`);

  signs(): number {
    return this.said.filter((word) => word === 'alive').length;
  }
}

function watching(watchdogMs: number | null = 30_000) {
  const clock = new ManualClock();
  const manager = new FakeManager(watchdogMs);
  const log = new RecordingLog();
  const state = { node: null as WatchedNode | null, status: 'enrolling' };
  const watch = new ServiceWatch({
    manager,
    log,
    clock,
    node: () => state.node,
    status: () => state.status,
  });
  return { clock, manager, log, state, watch };
}

/** A datapath whose thread turns with the clock until it is stopped. */
function nodeOn(clock: ManualClock) {
  let stuckAt: number | null = null;
  return {
    datapathTurns: () => stuckAt ?? Math.floor(clock.monotonicMs() / 4_000),
    stick() {
      stuckAt = this.datapathTurns();
    },
  };
}

describe('ServiceWatch', () => {
  it('says that the agent is ready, what it is at, and three times within the limit that it is alive', async () => {
    const { clock, manager, watch, state } = watching();
    state.node = nodeOn(clock);
    watch.start();
    expect(manager.said).toEqual(['ready', 'status enrolling', 'alive']);
    await clock.advance(30_000);
    expect(manager.signs()).toBe(4);
  });

  it('gives a sign of life while there is no datapath yet', async () => {
    const { clock, manager, watch } = watching();
    watch.start();
    await clock.advance(60_000);
    expect(manager.signs()).toBe(7);
  });

  it('gives none while the datapath stands still, and says so in the log', async () => {
    const { clock, manager, log, watch, state } = watching();
    const node = nodeOn(clock);
    state.node = node;
    watch.start();
    await clock.advance(20_000);
    node.stick();
    const before = manager.signs();
    await clock.advance(60_000);
    expect(manager.signs()).toBe(before);
    expect(log.of('datapath.stuck').length).toBeGreaterThan(0);
  });

  it('counts a new datapath from its start', async () => {
    const { clock, manager, watch, state } = watching();
    const first = nodeOn(clock);
    state.node = first;
    watch.start();
    await clock.advance(10_000);
    const turns = first.datapathTurns();
    state.node = { datapathTurns: () => turns };
    const before = manager.signs();
    await clock.advance(10_000);
    expect(manager.signs()).toBe(before + 1);
  });

  it('sends the status when it changes, also to a manager that does not watch', async () => {
    const { clock, manager, watch, state } = watching(null);
    watch.start();
    state.status = 'provisioned';
    await clock.advance(60_000);
    expect(manager.said).toEqual(['ready', 'status enrolling', 'status provisioned']);
  });

  it('says that it stops, and leaves no timer', async () => {
    const { clock, manager, watch } = watching();
    watch.start();
    watch.stop();
    expect(manager.said.at(-1)).toBe('stopping');
    expect(clock.pending()).toBe(0);
  });
});
