/**
 * `GET /metrics`: Prometheus text format 0.0.4, or OpenMetrics 1.0. A value that is stale is left out, because a scrape
 * would make a fresh one of it; `tincan_sensor_ok` says that it is missing.
 */
import type { Reading } from '../reading.ts';
import { type Metric, metricsOf } from './metric-names.ts';
import type { ReadingSource, ServedNode } from './service-source.ts';

type MetricSource = Pick<ReadingSource, 'readings' | 'labels'>;

export const METRICS_TYPES = {
  prometheus: 'text/plain',
  openMetrics: 'application/openmetrics-text',
} as const;

export function metricsText(node: ServedNode, source: MetricSource, openMetrics: boolean): string {
  const readings = source.readings();
  const metrics = [
    nodeInfo(node),
    ...readings.flatMap((reading) => metricsOf(reading, source.labels(reading.id))),
    ...readings.flatMap(aboutSensor),
  ];
  const families = new Map<string, Metric[]>();
  for (const metric of metrics) families.set(metric.name, [...(families.get(metric.name) ?? []), metric]);
  const text = [...families.values()].map((family) => familyText(family, openMetrics)).join('');
  return openMetrics ? `${text}# EOF\n` : text;
}

function nodeInfo({ id, name }: ServedNode): Metric {
  return {
    name: 'tincan_node_info',
    type: 'gauge',
    help: 'The node whose sensors these are.',
    labels: { node: id, name },
    value: 1,
  };
}

function aboutSensor({ id, ageMs, quality }: Reading): Metric[] {
  const labels = { sensor: id };
  const ok: Metric = {
    name: 'tincan_sensor_ok',
    type: 'gauge',
    help: 'Whether the sensor has a value that is not too old.',
    labels,
    value: quality === 'ok' ? 1 : 0,
  };
  if (ageMs === null) return [ok];
  const help = 'How long ago the last value was read.';
  return [ok, { name: 'tincan_sensor_age_seconds', type: 'gauge', help, labels, value: ageMs / 1000 }];
}

function familyText(family: readonly Metric[], openMetrics: boolean): string {
  const [first] = family;
  if (!first) return '';
  // OpenMetrics names a counter's family without the suffix of its samples.
  const name = openMetrics && first.type === 'counter' ? first.name.replace(/_total$/, '') : first.name;
  const help = openMetrics ? escapedLabel(first.help) : escapedHelp(first.help);
  const samples = family.map((metric) => `${metric.name}${labelText(metric.labels)} ${metric.value}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${first.type}\n${samples.join('')}`;
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapedLabel(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escapedHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

function escapedLabel(text: string): string {
  return escapedHelp(text).replaceAll('"', '\\"');
}
