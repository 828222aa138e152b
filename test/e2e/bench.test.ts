import { beforeEach, describe, expect, it } from 'vitest';
import type { BenchReport } from '../bench/bench-report.ts';
import { Programs } from '../bench/programs.ts';
import { NO_IPERF3 } from '../bench/rig.ts';
import { LabProcess } from '../lab/lab-process.ts';
import { defaultLabMode, labProblem } from '../lab/prerequisites.ts';
import { repositoryPath } from '../lab/repository.ts';
import { leftoversOf } from './leftovers.ts';

const LAB_NAME = /\(lab (tincan-[0-9a-f]{8}),/;
/** What others read from the JSON. */
const PROMISED = [
  'tcpMbps',
  'tcpReverseMbps',
  'udp200Kpps',
  'pingAvgUs',
  'pingP99Us',
  'cpuSecondsPerGB',
  'rssKB',
  'privateKB',
] as const;

class RunningBench {
  readonly process: LabProcess;
  readonly #said: string[] = [];
  readonly #printed: string[] = [];
  #onSaid: () => void = () => undefined;

  constructor(...options: string[]) {
    const command = [process.execPath, repositoryPath('dist/bench.js'), ...options];
    this.process = new LabProcess('the benchmark', command, {
      onLine: (line, from) => {
        (from === 'stdout' ? this.#printed : this.#said).push(line);
        this.#onSaid();
      },
    });
  }

  get printed(): string {
    return this.#printed.join('\n');
  }

  get said(): string {
    return this.#said.join('\n');
  }

  get labName(): string {
    return LAB_NAME.exec(this.said)?.[1] ?? 'no lab';
  }

  async untilSaid(text: string): Promise<void> {
    const heard = new Promise<void>((resolve) => {
      this.#onSaid = () => this.said.includes(text) && resolve();
      this.#onSaid();
    });
    await Promise.race([heard, this.process.exited]);
    expect(this.said).toContain(text);
  }
}

describe('the benchmark', () => {
  beforeEach((context) => {
    const problem = labProblem(defaultLabMode()) ?? (new Programs(null).find('iperf3') ? null : NO_IPERF3);
    if (problem !== null) context.skip(problem);
  });

  it('measures Tincan and the bare LAN, and leaves nothing behind', async () => {
    const bench = new RunningBench('--quick', '--systems', 'tincan,direct', '--json');
    const status = await bench.process.exited;
    expect(status, bench.said).toEqual({ code: 0, signal: null });
    expect(leftoversOf(bench.labName)).toEqual([]);

    const report = JSON.parse(bench.printed) as BenchReport;
    expect(report.ratios).toEqual({ tcp: null, udp200: null, ping: null });
    expect(report.missing).toEqual({});
    expect(Object.keys(report.systems)).toEqual(['tincan', 'direct']);
    for (const name of [...PROMISED, 'tcp4Mbps', 'tcpIp6Mbps', 'startMs'] as const) {
      expect(report.systems.tincan?.[name], `${name}; ${bench.said}`).toBeGreaterThan(0);
    }
    expect(report.systems.direct).toMatchObject({ cpuSecondsPerGB: null, rssKB: null, privateKB: null });
    expect(report.systems.direct?.tcpMbps).toBeGreaterThan(0);
    expect(report.systems.tincan?.runs).toHaveLength(1);
    expect(report.conditions).toMatchObject({ runs: 1, secondsPerTransfer: 1, cpuShare: null });
  });

  it('has cleaned up when it ends after Ctrl-C in the middle of its work', async () => {
    const bench = new RunningBench('--quick', '--systems', 'direct', '--json');
    await bench.untilSaid('run 1 of 1: direct');
    bench.process.kill('SIGINT');
    expect(await bench.process.exited).toEqual({ code: 130, signal: null });
    expect(bench.printed).toBe('');
    expect(leftoversOf(bench.labName)).toEqual([]);
  });

  it('explains a wrong option and changes nothing', async () => {
    const bench = new RunningBench('--runs', 'many');
    expect(await bench.process.exited).toEqual({ code: 2, signal: null });
    expect(bench.said).toContain('--runs many is not a whole number');
  });
});
