/** Two hosts with two networks between them: which of them a link takes, and that it stays there. */
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import type { StatusReport } from '../../../agent/ports/agent-control.ts';
import type { FleetUnderTest } from './fleet-under-test.ts';
import { Load } from './load.ts';
import type { Member } from './member.ts';
import { faultProblem, PACED, RESUME_MS, tell, withFleet } from './scenario.ts';

const HOSTS = ['one', 'two'] as const;
const OTHER_WAY = '192.168.78.';
/** The search for the best way that a new link begins with is over. */
const SETTLE_MS = 2_000;
/** Pings that a busy machine may lose by itself. The lossy way takes every second one. */
const BUSY_SHARE = 0.02;
/** Three comparisons of the two ways. */
const COMPARED_MS = 16_000;

/** Two members, a load between them, and the addresses of the two ways; the one that is taken now is the first. */
async function twoWays(fleet: FleetUnderTest) {
  const [one, two] = await fleet.pair();
  const ways = [
    [one.host.address, two.host.address],
    [`${OTHER_WAY}11`, `${OTHER_WAY}12`],
  ] as const;
  for (const [at, member] of [one, two].entries()) await member.host.addAddress(ways[1][at] ?? '');
  const load = await Load.start(one, two, PACED);
  await one.untilLink(two, 'fast');
  await two.untilLink(one, 'fast');
  await sleep(SETTLE_MS);
  const [taken, other] = endpointOf(await one.status()).startsWith(OTHER_WAY) ? [ways[1], ways[0]] : ways;
  return { one, two, load, taken, other };
}

function endpointOf(status: StatusReport | null): string {
  return status?.links[0]?.endpoint ?? '';
}

/** Until frames of both go that way. */
async function untilOn(way: readonly string[], members: readonly Member[], timeoutMs: number): Promise<void> {
  const on = (status: StatusReport) => way.some((address) => endpointOf(status).startsWith(`${address}:`));
  await Promise.all(members.map((member) => member.until('on the other way', timeoutMs, on)));
}

/** Changes of the path since then, of both. */
function moves(members: readonly Member[], lines: readonly number[]): string[] {
  return members.flatMap((member, at) => member.events('link.path', lines[at]));
}

describe.concurrent('with two ways', () => {
  beforeEach((context) => {
    const problem = faultProblem();
    if (problem !== null) context.skip(problem);
  });

  it('one of which begins to lose frames, the other one is taken, and kept', async () => {
    await withFleet(async (fleet) => {
      const { one, two, load, taken, other } = await twoWays(fleet);
      const startedMs = Date.now();
      await fleet.network.loseTo(taken, 30);
      await untilOn(other, [one, two], 20_000);
      const leftMs = Date.now() - startedMs;
      const lines = [one.log.length, two.log.length];
      // A TCP that has lost its own repetitions waits for as long as its kernel says.
      const resumed = await load.resumed(Date.now(), 30_000);
      const afterMs = Date.now();
      await sleep(COMPARED_MS);
      const { lostPings, pings } = await load.report(afterMs, Date.now());
      tell('loss of 30 % on one of two ways', { leftMs, ...resumed, pings, lostPings });
      expect(moves([one, two], lines)).toEqual([]);
      expect(resumed.pingMs).toBeLessThan(RESUME_MS);
      expect(lostPings).toBeLessThanOrEqual(pings * BUSY_SHARE);
      expect([...one.events('link.down'), ...two.events('link.down')]).toEqual([]);
    });
  });

  it('one of which is cut, the other one is taken at once', async () => {
    await withFleet(async (fleet) => {
      const { one, two, load, taken, other } = await twoWays(fleet);
      const startedMs = Date.now();
      await fleet.network.loseTo(taken, 100);
      await untilOn(other, [one, two], 20_000);
      const leftMs = Date.now() - startedMs;
      const resumed = await load.resumed(startedMs + 100, 30_000);
      tell('one of two ways cut', { leftMs, ...resumed });
      expect(Math.max(...Object.values(resumed))).toBeLessThan(RESUME_MS);
      expect([...one.events('link.down'), ...two.events('link.down')]).toEqual([]);
    });
  });

  it('one of which becomes longer, the other one is taken, and kept; fluctuations move nothing', async () => {
    await withFleet(async (fleet) => {
      const { one, two, load, taken, other } = await twoWays(fleet);
      let lines = [one.log.length, two.log.length];
      const hold = (percent: number) =>
        fleet.network.hold({ percent, to: taken }, 30, HOSTS, fleet.lab.directory);
      await hold(30);
      await sleep(COMPARED_MS);
      expect(moves([one, two], lines)).toEqual([]);
      const startedMs = Date.now();
      await hold(100);
      await untilOn(other, [one, two], 30_000);
      const leftMs = Date.now() - startedMs;
      lines = [one.log.length, two.log.length];
      await sleep(COMPARED_MS);
      const report = await load.report(startedMs, Date.now());
      tell('30 ms more on one of two ways', {
        leftMs,
        ...report,
        rttMs: (await one.status())?.links[0]?.rttMs,
      });
      expect(moves([one, two], lines)).toEqual([]);
      expect(report.lostPings).toBeLessThanOrEqual(report.pings * BUSY_SHARE);
    });
  });
});
