/** The links of all members: which path their frames take, how long they took to form, how long a round trip is. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { LinkReport } from '../../agent/ports/agent-control.ts';
import type { DemoLink } from './demo-report.ts';
import type { MemberHost } from './member-host.ts';
import { askTincan } from './tincan-command.ts';

/** The fast path follows a link within a few round trips; where it does not come, the slow one is reported. */
const FAST_PATH_LIMIT_MS = 5000;
const POLL_MS = 100;
const PROBES = '5';
const PROBE_EVERY_S = '0.05';

interface MemberLinks {
  member: MemberHost;
  links: LinkReport[];
}

/** Waits until every link has its fast path, but not for ever. */
export async function untilFastPaths(members: readonly MemberHost[]): Promise<void> {
  const deadline = performance.now() + FAST_PATH_LIMIT_MS;
  while (performance.now() < deadline) {
    const all = (await linksOf(members)).flatMap(({ links }) => links);
    if (all.length > 0 && all.every(({ path }) => path === 'fast')) return;
    await sleep(POLL_MS);
  }
}

/** Every link once, as the member with the earlier place in the list sees it, and the longest time to form one. */
export async function measureLinks(
  members: readonly MemberHost[],
): Promise<{ links: DemoLink[]; linkUpMs: number }> {
  const reports = await linksOf(members);
  const setups = reports.flatMap(({ links }) => links.flatMap(({ setupMs }) => setupMs ?? []));
  const pairs = reports.flatMap(({ member, links }, place) =>
    links
      .filter(({ name }) => members.findIndex((other) => other.name === name) > place)
      .map((link) => ({ member, link })),
  );
  const links = await Promise.all(pairs.map(({ member, link }) => measured(member, link)));
  return { links, linkUpMs: Math.max(0, ...setups) };
}

async function measured(member: MemberHost, link: LinkReport): Promise<DemoLink> {
  const { rttMs } = await askTincan<{ rttMs: { min: number; avg: number; max: number } | null }>(
    member.host,
    ...['ping', link.name, '--count', PROBES, '--interval', PROBE_EVERY_S, '--socket', member.socket],
  );
  const { name: to, state, path, candidates } = link;
  const averageMs = rttMs?.avg ?? link.rttMs;
  // The datapath measures in microseconds.
  const shownMs = averageMs === null ? null : Math.round(averageMs * 1000) / 1000;
  return { from: member.name, to, state, path, candidates, rttMs: shownMs };
}

async function linksOf(members: readonly MemberHost[]): Promise<MemberLinks[]> {
  return Promise.all(members.map(async (member) => ({ member, links: await member.links() })));
}
