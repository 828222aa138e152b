/**
 * `GET /` for a browser: a table of all readings, complete without JavaScript; page-script.js keeps it live. Everything
 * comes from the node itself, because a member's phone may have no other network.
 */
import { html, raw } from 'hono/html';
import type { Reading } from '../reading.ts';
import { rfc3339 } from '../reading.ts';
import { actuatorsSection } from './actuators-section.ts';
import style from './page.css' with { type: 'text' };
import script from './page-script.js' with { type: 'text' };
import type { ServedNode, ShownActuators } from './service-source.ts';

export const pageStyle: string = style;
export const pageScript: string = script;

type Markup = ReturnType<typeof html>;

/** Of the board itself, and of less interest than what it measures; facts that hardly change are the last. */
const OWN_KINDS = ['uptime', 'load', 'memory', 'disk', 'network', 'model', 'os'];

const SYMBOLS: Readonly<Record<string, string>> = { Cel: ' °C', '%RH': ' % RH', '/': '' };

export function pageHtml(
  node: ServedNode,
  readings: readonly Reading[],
  actuators: ShownActuators,
  wallMs: number | null,
): Markup {
  const time = wallMs === null ? 'this board’s clock is not set' : `as of ${rfc3339(wallMs)}`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${node.name} &ndash; sensors</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/page.css">
<script src="/page.js" defer></script>
</head>
<body>
<header><h1>${node.name}</h1><p id="connection" role="status">${time}</p></header>
<main>
${actuatorsSection(actuators)}<table>
<caption>Sensors of ${node.name}</caption>
<thead><tr><th scope="col">Sensor</th><th scope="col">Value</th><th scope="col">Trend</th><th scope="col">State</th></tr></thead>
<tbody>
${inOrder(readings).map((reading) => row(reading.id, reading.name, reading))}</tbody>
</table>
</main>
<footer>Node ${node.id}. For programs: <a href="/sensors">JSON</a>, <a href="/senml">SenML</a>,
<a href="/metrics">metrics</a>, <a href="/.well-known/wot">Thing Description</a>.</footer>
<template id="row">${row('', '', null)}</template>
</body>
</html>
`;
}

function inOrder(readings: readonly Reading[]): Reading[] {
  const place = ({ kind }: Reading) => OWN_KINDS.indexOf(kind);
  return [...readings].sort((one, other) => place(one) - place(other));
}

function row(id: string, name: string, reading: Reading | null): Markup {
  const href = `/sensors/${encodeURIComponent(id)}`;
  return html`<tr data-id="${id}" data-quality="${reading?.quality ?? 'error'}"><th scope="row"><a href="${href}">${name}</a></th><td class="value" data-text="${String(typeof reading?.value === 'string')}">${reading ? valueText(reading) : ''}</td><td class="trend"></td><td class="state">${reading ? stateText(reading) : ''}</td></tr>${raw('\n')}`;
}

function valueText({ value, unit }: Reading): string {
  if (value === null) return '–';
  if (typeof value === 'string' || unit === null) return String(value);
  return `${value}${SYMBOLS[unit] ?? ` ${unit}`}`;
}

function stateText({ quality, reason }: Reading): string {
  return quality === 'ok' ? 'ok' : `${quality}: ${reason}`;
}
