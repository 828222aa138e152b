import { describe, expect, it } from 'vitest';
import type { SystemName } from '../../bench/bench-options.ts';
import { type BenchRun, type Conditions, reportOf } from '../../bench/bench-report.ts';
import { benchTable } from '../../bench/bench-table.ts';
import { type Figures, METRICS } from '../../bench/measurement.ts';

const conditions: Conditions = {
  mode: 'root',
  runs: 3,
  secondsPerTransfer: 1,
  cpuShare: 0.25,
  cores: 2,
  cpuModel: 'a processor',
  kernel: '6.1',
  congestionControl: 'cubic',
  loadBefore: 0,
};

function run(system: SystemName, figures: Partial<Figures>): BenchRun {
  const none = Object.fromEntries(METRICS.map((metric) => [metric, null])) as Figures;
  return { system, figures: { ...none, ...figures } };
}

function report(runs: BenchRun[], systems: SystemName[] = ['tincan', 'direct', 'wireguard-go', 'fastd']) {
  return reportOf(
    { systems },
    {
      runs,
      versions: { tincan: '1.2.3' },
      missing: { fastd: 'it is gone' },
      problems: ['a jam'],
      conditions,
    },
  );
}

describe('the report of the benchmark', () => {
  const ours = [700, 900, 800].map((tcpMbps) => run('tincan', { tcpMbps, udp200Kpps: 60, pingAvgUs: 100 }));

  it('has medians over the runs, and each run', () => {
    const { systems } = report(ours);
    expect(systems.tincan).toMatchObject({ tcpMbps: 800, slowPathMbps: null, version: '1.2.3' });
    expect(systems.tincan?.runs.map(({ tcpMbps }) => tcpMbps)).toEqual([700, 900, 800]);
  });

  it('compares with the best of the others in each respect', () => {
    const { ratios, bestPeers } = report([
      ...ours,
      run('wireguard-go', { tcpMbps: 400, udp200Kpps: 30, pingAvgUs: 300 }),
      run('fastd', { tcpMbps: 200, udp200Kpps: 50, pingAvgUs: 200 }),
      run('direct', { tcpMbps: 9000, udp200Kpps: 900, pingAvgUs: 50 }),
    ]);
    expect(ratios).toEqual({ tcp: 2, udp200: 1.2, ping: 0.5 });
    expect(bestPeers).toEqual({ tcp: 'wireguard-go', udp200: 'fastd', ping: 'fastd' });
  });

  it('has no ratio without a peer, without ours, or against nothing', () => {
    const none = { tcp: null, udp200: null, ping: null };
    expect(report([...ours, run('direct', { tcpMbps: 9000 })]).ratios).toEqual(none);
    expect(report([run('fastd', { tcpMbps: 200, udp200Kpps: 50, pingAvgUs: 200 })]).ratios).toEqual(none);
    expect(report([...ours, run('fastd', { tcpMbps: 0 })]).ratios).toEqual(none);
  });

  it('is not ok when ours was asked for and not measured', () => {
    expect(report(ours).ok).toBe(true);
    expect(report([run('fastd', { tcpMbps: 1 })]).ok).toBe(false);
    expect(report([run('fastd', { tcpMbps: 1 })], ['fastd']).ok).toBe(true);
    expect(report([], ['fastd']).ok).toBe(false);
  });

  it('shows as a table what was measured, what was not, and under which limits', () => {
    const text = benchTable(report([...ours, run('wireguard-go', { tcpMbps: 400 })]));
    expect(text).toContain('TCP 2.00× wireguard-go');
    expect(text).toContain('Not measured: fastd: it is gone');
    expect(text).toContain('Problem: a jam');
    expect(text).toContain('each end limited to 0.25 of a core');
    expect(text.endsWith('\n')).toBe(true);
  });
});
