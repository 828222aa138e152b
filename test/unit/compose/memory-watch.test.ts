import { describe, expect, it } from 'vitest';
import { MemoryWatch } from '../../../agent/compose-memory.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';
import { RecordingLog } from '../../fakes/recording-log.ts';

function watching() {
  const clock = new ManualClock();
  const log = new RecordingLog();
  const state = { links: 0, givenBack: 0, problem: null as Error | null };
  const watch = new MemoryWatch({
    links: () => state.links,
    giveBack: () => {
      if (state.problem) throw state.problem;
      state.givenBack += 1;
    },
    clock,
    log,
  });
  return { clock, log, state, watch };
}

describe('memory is given back', () => {
  it('once after the start, and not again while nothing changes', async () => {
    const { clock, state } = watching();
    await clock.advance(9_000);
    expect(state.givenBack).toBe(0);
    await clock.advance(600_000);
    expect(state.givenBack).toBe(1);
  });

  it('not while links come, but when their number stands still', async () => {
    const { clock, state } = watching();
    for (let links = 1; links <= 10; links++) {
      state.links = links;
      await clock.advance(5_000);
    }
    expect(state.givenBack).toBe(0);
    await clock.advance(5_000);
    expect(state.givenBack).toBe(1);
  });

  it('at most once a minute, and then for the last change', async () => {
    const { clock, state } = watching();
    await clock.advance(10_000);
    state.links = 3;
    await clock.advance(50_000);
    expect(state.givenBack).toBe(1);
    await clock.advance(20_000);
    expect(state.givenBack).toBe(2);
    await clock.advance(600_000);
    expect(state.givenBack).toBe(2);
  });

  it('or not, which is said and harms nothing', async () => {
    const { clock, log, state, watch } = watching();
    state.problem = new Error('no addon');
    await clock.advance(10_000);
    expect(log.lines.map(({ event }) => event)).toEqual(['memory.kept']);
    watch.stop();
    state.problem = null;
    state.links = 5;
    await clock.advance(600_000);
    expect(state.givenBack).toBe(0);
  });
});
