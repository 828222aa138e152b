/** What `npm run bench -- --links N` found, for people. */
import type { LinksBench } from './links-bench.ts';

/** Smaller mappings are one line. */
const SHOWN_KB = 500;

/** Ends with a line end. */
export function linksBenchText(result: LinksBench): string {
  const { links, mbps, rssIdleKB, privateIdleKB, rssKB, privateKB, mappings } = result;
  const large = mappings.filter((mapped) => mapped.rssKB >= SHOWN_KB);
  const small = mappings.filter((mapped) => mapped.rssKB < SHOWN_KB);
  const sum = (of: 'rssKB' | 'privateDirtyKB'): number =>
    small.reduce((total, mapped) => total + mapped[of], 0);
  const rest = { name: `${small.length} others`, rssKB: sum('rssKB'), privateDirtyKB: sum('privateDirtyKB') };
  const row = (name: string, rss: number, own: number): string =>
    `${name.padEnd(38)}${rss.toLocaleString('en').padStart(10)}${own.toLocaleString('en').padStart(16)}\n`;
  return [
    `${links} links, TCP over all of them at once: ${mbps.toFixed(0)} Mbit/s\n`,
    `${'the node in the middle, kB'.padEnd(38)}${'RSS'.padStart(10)}${'private dirty'.padStart(16)}\n`,
    row('at rest', rssIdleKB, privateIdleKB),
    row('under load', rssKB, privateKB),
    ...[...large, rest].map((mapped) => row(`  ${mapped.name}`, mapped.rssKB, mapped.privateDirtyKB)),
  ].join('');
}
