/** The table of links for people. */
import type { LinkReport } from '../ports/agent-control.ts';
import { harmless, tableText } from './terminal-text.ts';
import { bytesText, durationText, rttText } from './units.ts';

const HEAD = ['peer', 'address', 'state', 'path', 'rtt', 'sent', 'received', 'age'];
const FIGURES = [4, 5, 6, 7];

/** The table, then a line for each link that has a problem. */
export function linksText(links: readonly LinkReport[]): string {
  if (links.length === 0) return 'No links are open: the first packet to a member opens one.\n';
  const problems = links
    .filter((link) => link.problem !== null)
    .map((link) => `${harmless(`${link.name}: ${link.problem}`)}\n`);
  return tableText(HEAD, links.map(rowOf), FIGURES) + problems.join('');
}

function rowOf(link: LinkReport): string[] {
  return [
    link.name,
    link.ip4,
    link.state,
    pathOf(link),
    link.rttMs === null ? '-' : rttText(link.rttMs),
    bytesText(link.sent.bytes),
    bytesText(link.received.bytes),
    durationText(link.ageMs),
  ];
}

/** `fast host-srflx`: the path, then how each end is reached (candidate types of ICE, ours first). */
function pathOf(link: LinkReport): string {
  const candidates = link.candidates ? ` ${link.candidates.local}-${link.candidates.remote}` : '';
  return `${link.path ?? '-'}${candidates}`;
}
