/** What `npm run bench -- --json` prints: medians of each system, our ratios to the best peer, and how it was measured. */
import type { BenchOptions, SystemName } from './bench-options.ts';
import { type Figures, METRICS, type Metric } from './measurement.ts';
import { medianOf, roundedTo } from './statistics.ts';

/** One start of one system, measured. */
export interface BenchRun {
  system: SystemName;
  figures: Figures;
}

export interface SystemReport extends Figures {
  /** The first line of what the program says of itself. */
  version: string | null;
  /** Each run by itself; the figures above are their medians. */
  runs: Figures[];
}

export interface Conditions {
  mode: 'root' | 'user';
  runs: number;
  secondsPerTransfer: number;
  cpuShare: number | null;
  cores: number;
  cpuModel: string;
  kernel: string;
  /** Of the TCP inside. */
  congestionControl: string | null;
  /** One-minute load average before the first run: above 1 something else was running. */
  loadBefore: number;
}

export interface BenchReport {
  ok: boolean;
  systems: Partial<Record<SystemName, SystemReport>>;
  /** Ours over the best peer's (higher is better for tcp and udp200, lower for ping); null without either. */
  ratios: Record<RatioName, number | null>;
  /** The peer that each ratio is against. */
  bestPeers: Record<RatioName, SystemName | null>;
  /** Systems that were not measured, each with the reason. */
  missing: Partial<Record<SystemName, string>>;
  /** What went wrong in single runs. */
  problems: string[];
  conditions: Conditions;
}

type RatioName = 'tcp' | 'udp200' | 'ping';

const RATIOS: Readonly<Record<RatioName, { metric: Metric; best: (...values: number[]) => number }>> = {
  tcp: { metric: 'tcpMbps', best: Math.max },
  udp200: { metric: 'udp200Kpps', best: Math.max },
  ping: { metric: 'pingAvgUs', best: Math.min },
};

/** Digits after the point; the others have none. */
const DIGITS: Partial<Record<Metric, number>> = {
  udp200Kpps: 1,
  udp200LossFreeKpps: 1,
  cpuSecondsPerGB: 2,
  pingAvgUs: 1,
  pingP99Us: 1,
  pingLoadedAvgUs: 1,
  pingLoadedP99Us: 1,
};

export function reportOf(
  options: Pick<BenchOptions, 'systems'>,
  found: {
    runs: readonly BenchRun[];
    versions: Partial<Record<SystemName, string>>;
    missing: Partial<Record<SystemName, string>>;
    problems: string[];
    conditions: Conditions;
  },
): BenchReport {
  const systems: Partial<Record<SystemName, SystemReport>> = {};
  for (const name of options.systems) {
    const runs = found.runs.filter(({ system }) => system === name).map(({ figures }) => figures);
    if (runs.length > 0) systems[name] = systemReport(runs, found.versions[name] ?? null);
  }
  const { missing, problems, conditions } = found;
  const wanted = options.systems.includes('tincan') ? systems.tincan : Object.keys(systems)[0];
  return { ok: wanted !== undefined, systems, ...ratiosOf(systems), missing, problems, conditions };
}

function systemReport(runs: Figures[], version: string | null): SystemReport {
  const rounded = runs.map((run) => mapped((metric) => roundedTo(run[metric], DIGITS[metric] ?? 0)));
  const medians = mapped((metric) =>
    roundedTo(medianOf(runs.map((run) => run[metric])), DIGITS[metric] ?? 0),
  );
  return { ...medians, version, runs: rounded };
}

function mapped(value: (metric: Metric) => number | null): Figures {
  return Object.fromEntries(METRICS.map((metric) => [metric, value(metric)])) as Figures;
}

function ratiosOf(systems: BenchReport['systems']): Pick<BenchReport, 'ratios' | 'bestPeers'> {
  const ratios: BenchReport['ratios'] = { tcp: null, udp200: null, ping: null };
  const bestPeers: BenchReport['bestPeers'] = { tcp: null, udp200: null, ping: null };
  for (const name of Object.keys(RATIOS) as RatioName[]) {
    const { metric, best } = RATIOS[name];
    const peers = (Object.keys(systems) as SystemName[]).flatMap((peer) => {
      const value = systems[peer]?.[metric] ?? null;
      // The bare LAN is no overlay.
      return peer === 'tincan' || peer === 'direct' || value === null ? [] : [{ peer, value }];
    });
    const ours = systems.tincan?.[metric] ?? null;
    if (ours === null || peers.length === 0) continue;
    const bestValue = best(...peers.map(({ value }) => value));
    if (bestValue === 0) continue;
    ratios[name] = roundedTo(ours / bestValue, 3);
    bestPeers[name] = peers.find(({ value }) => value === bestValue)?.peer ?? null;
  }
  return { ratios, bestPeers };
}
