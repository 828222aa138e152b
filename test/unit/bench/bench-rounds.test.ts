import { describe, expect, it } from 'vitest';
import { readBenchOptions, type SystemName } from '../../bench/bench-options.ts';
import { BenchRounds } from '../../bench/bench-rounds.ts';
import type { BenchRig } from '../../bench/rig.ts';
import { SYSTEMS } from '../../bench/systems/all-systems.ts';
import type { BenchSystem } from '../../bench/systems/bench-system.ts';

/** Hosts on which nothing comes up; says when what was started on them is stopped. */
function deadRig(installed: string[], happened: string[]): BenchRig {
  const end = { stopServants: async () => void happened.push('stopped') };
  const programs = { find: (name: string) => (installed.includes(name) ? `/bin/${name}` : null) };
  return { a: end, b: end, programs } as unknown as BenchRig;
}

function broken(name: SystemName, programs: string[], happened: string[]): BenchSystem {
  return {
    name,
    programs,
    version: () => null,
    prepare: async () => void happened.push(`prepared ${name}`),
    start: async () => {
      happened.push(`started ${name}`);
      throw new Error(`${name} is broken`);
    },
  };
}

describe('the rounds of the benchmark', () => {
  function roundsOf(installed: string[]) {
    const happened: string[] = [];
    const options = readBenchOptions(['--runs', '2', '--systems', 'tincan,fastd,tinc']);
    if (!options) throw new Error('no options');
    const rounds = new BenchRounds(deadRig(installed, happened), options, () => undefined, {
      ...SYSTEMS,
      tincan: () => broken('tincan', [], happened),
      fastd: () => broken('fastd', ['fastd'], happened),
      tinc: () => broken('tinc', ['tincd'], happened),
    });
    return { rounds, happened };
  }

  it('let the systems take turns, and stop each after its turn, whatever came of it', async () => {
    const { rounds, happened } = roundsOf(['fastd', 'tincd']);
    await rounds.run();
    const turn = (name: string) => [`started ${name}`, 'stopped', 'stopped'];
    const round = ['tincan', 'fastd', 'tinc'].flatMap(turn);
    const prepared = ['prepared tincan', 'prepared fastd', 'prepared tinc'];
    expect(happened).toEqual([...prepared, ...round, ...round]);
  });

  it('leave out what is not installed, and report what does not come up, each in one sentence', async () => {
    const { rounds, happened } = roundsOf(['fastd']);
    await rounds.run();
    expect(happened).not.toContain('prepared tinc');
    expect(rounds.missing).toEqual({
      tincan: 'tincan is broken',
      fastd: 'fastd is broken',
      tinc: 'tincd not installed (nor in --peer-bin)',
    });
    expect(rounds.problems).toContain('fastd, run 2: fastd is broken');
    expect(rounds.runs).toEqual([]);
  });
});
