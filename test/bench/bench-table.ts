/** The report as text: a column for each system, a row for each figure, the ratios below. */
import Table from 'cli-table3';
import { SYSTEM_NAMES } from './bench-options.ts';
import type { BenchReport, Conditions } from './bench-report.ts';
import type { Metric } from './measurement.ts';

const ROWS: ReadonlyArray<[metric: Metric, title: string]> = [
  ['tcpMbps', 'TCP, A to B, Mbit/s'],
  ['tcpReverseMbps', 'TCP, B to A'],
  ['tcp4Mbps', 'TCP, 4 streams, A to B'],
  ['tcp4ReverseMbps', 'TCP, 4 streams, B to A'],
  ['tcpIp6Mbps', 'TCP over IPv6, A to B'],
  ['tcpIp6ReverseMbps', 'TCP over IPv6, B to A'],
  ['slowPathMbps', 'TCP, slow path'],
  ['slowPathCpuSecondsPerGB', 'CPU seconds per GB, slow path'],
  ['retransmits', 'retransmits, A to B'],
  ['udp200Kpps', 'UDP 200 B delivered, kpps'],
  ['udp200LossFreeKpps', 'UDP 200 B without loss, kpps'],
  ['pingAvgUs', 'ping average, µs'],
  ['pingP99Us', 'ping p99, µs'],
  ['pingLoadedAvgUs', 'ping average under load, µs'],
  ['pingLoadedP99Us', 'ping p99 under load, µs'],
  ['cpuSecondsPerGB', 'CPU seconds per GB, both ends'],
  ['rssKB', 'RSS under load, kB'],
  ['privateKB', 'private dirty under load, kB'],
  ['rssIdleKB', 'RSS idle, kB'],
  ['privateIdleKB', 'private dirty idle, kB'],
  ['startMs', 'start to device up, ms'],
];

/** Ends with a line end. */
export function benchTable(report: BenchReport): string {
  const { systems, missing, problems } = report;
  const names = SYSTEM_NAMES.filter((name) => systems[name] !== undefined);
  const table = new Table({
    head: ['', ...names],
    style: { head: [], border: [] },
    chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
    colAligns: ['left', ...names.map(() => 'right' as const)],
  });
  for (const [metric, title] of ROWS) {
    table.push([title, ...names.map((name) => systems[name]?.[metric]?.toLocaleString('en') ?? '–')]);
  }
  return [
    table.toString(),
    ratioText(report),
    conditionsText(report.conditions),
    ...names.flatMap((name) => (systems[name]?.version ? [`${name}: ${systems[name].version}`] : [])),
    ...Object.entries(missing).map(([name, why]) => `Not measured: ${name}: ${why}`),
    ...problems.map((problem) => `Problem: ${problem}`),
    '',
  ].join('\n');
}

function ratioText({ ratios, bestPeers }: BenchReport): string {
  const { tcp, udp200, ping } = ratios;
  if (tcp === null && udp200 === null && ping === null) {
    return 'No ratios: they need tincan and one of the others, installed or in --peer-bin.';
  }
  const text = (title: string, ratio: number | null, peer: string | null): string =>
    ratio === null ? `${title} –` : `${title} ${ratio.toFixed(2)}× ${peer}`;
  return `Tincan to the best of the others: ${[
    text('TCP', tcp, bestPeers.tcp),
    text('UDP 200 B', udp200, bestPeers.udp200),
    `${text('ping', ping, bestPeers.ping)} (lower is better)`,
  ].join(', ')}`;
}

function conditionsText(conditions: Conditions): string {
  const { runs, secondsPerTransfer, cpuShare, cores, cpuModel, kernel, congestionControl } = conditions;
  const cap = cpuShare === null ? '' : `, each end limited to ${cpuShare} of a core`;
  return `Medians of ${runs} run${runs === 1 ? '' : 's'}, transfers of ${secondsPerTransfer} s${cap}; ${cores} × ${cpuModel}, Linux ${kernel}, TCP ${congestionControl ?? 'unknown'}, load before ${conditions.loadBefore}`;
}
