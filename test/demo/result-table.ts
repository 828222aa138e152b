/** What a person sees at the end of the demo: who is where, over which path, how far away, and what is measured there. */
import Table from 'cli-table3';
import { bytesText, durationText, rttText } from '../../agent/cli/units.ts';
import type { DemoLink, DemoMember, DemoReport, DemoSensor } from './demo-report.ts';

/** The last part of the demo's text output; ends with a line end. */
export function resultTable(report: DemoReport): string {
  const table = new Table({
    head: ['who', 'virtual IP', 'link to', 'path (ICE)', 'RTT', 'sensor', 'value'],
    style: { head: [], border: [] },
  });
  for (const member of [report.laptop, ...report.devices]) table.push(rowOf(member, report));
  const figures = [
    `claim to reachable sensors ${Math.round(report.claimToReachableMs)} ms`,
    `links up within ${Math.round(report.linkUpMs)} ms`,
    `everything ${(report.totalMs / 1000).toFixed(1)} s`,
  ];
  return `${table.toString()}\n${figures.join(', ')}\n`;
}

/** A row has as many lines as its longest cell: one a link, one a sensor. */
function rowOf({ name, ip4, ip6 }: DemoMember, report: DemoReport): string[] {
  const links = report.links.filter(({ from, to }) => from === name || to === name);
  const sensors = report.sensors.filter(({ device }) => device === name);
  return [
    name,
    `${ip4}\n${ip6}`,
    lines(links, ({ from, to }) => (from === name ? to : from)),
    lines(links, pathText),
    lines(links, ({ rttMs }) => (rttMs === null ? 'unknown' : rttText(rttMs))),
    lines(sensors, ({ id }) => id),
    lines(sensors, valueText),
  ];
}

function lines<T>(items: readonly T[], text: (item: T) => string): string {
  return items.map(text).join('\n');
}

function pathText({ state, path, candidates }: DemoLink): string {
  if (path === null) return state;
  return candidates ? `${path} (${candidates.local}–${candidates.remote})` : path;
}

/** The units are SenML's (RFC 8428): `/` is a ratio, `B` bytes, `s` seconds; others are printed as they are. */
function valueText({ value, unit }: DemoSensor): string {
  if (typeof value !== 'number') return String(value ?? 'none yet');
  if (unit === 'B') return bytesText(value);
  if (unit === 's') return durationText(value * 1000);
  const shown = Number(value.toPrecision(4));
  return unit === null || unit === '/' ? String(shown) : `${shown} ${unit}`;
}
