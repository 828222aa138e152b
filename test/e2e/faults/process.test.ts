import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { repositoryPath } from '../../lab/repository.ts';
import { Load } from './load.ts';
import type { Footprint, Member } from './member.ts';
import { faultProblem, PACED, RESUME_MS, tell, withFleet } from './scenario.ts';

const CYCLES = Number(process.env['TINCAN_LINK_CYCLES'] ?? 200);
/** The allocator's arenas find their size. */
const WARM_UP_CYCLES = 100;
const MAX_GROWTH_KB = 12_000;
const REPORT_EVERY_CYCLES = 500;

/** Runs a program of this folder on the member's agent. */
async function runOn(member: Member, program: string, timeoutMs: number, ...args: string[]): Promise<void> {
  const script = repositoryPath(`test/e2e/faults/${program}`);
  const command = [process.execPath, '--experimental-websocket', script, String(member.agent.pid), ...args];
  const { code, stderr } = await member.host.run(command, { timeoutMs });
  if (code !== 0) throw new Error(stderr);
}

async function tidyFootprints(...members: Member[]): Promise<Footprint[]> {
  for (const member of members) await runOn(member, 'collect-garbage.mjs', 10_000);
  return members.map((member) => member.footprint());
}

describe.concurrent('an agent', () => {
  beforeEach((context) => {
    const problem = faultProblem();
    if (problem !== null) context.skip(problem);
  });

  it('stopped for 5 s and continued does not flap', async () => {
    await withFleet(async (fleet) => {
      const [one, two] = await fleet.pair();
      const load = await Load.start(one, two, PACED);
      await one.untilLink(two, 'fast');
      const lines = [one.log.length, two.log.length];
      const startedMs = Date.now();
      two.agent.kill('SIGSTOP');
      await sleep(5_000);
      two.agent.kill('SIGCONT');
      const resumed = await load.resumed(Date.now(), 30_000);
      await one.untilLink(two, 'fast');
      tell('receiver stopped for 5 s', { ...resumed, ...(await load.report(startedMs, Date.now())) });
      expect(one.events('link.down', lines[0])).toEqual([]);
      expect(two.events('link.down', lines[1])).toEqual([]);
      expect(Math.max(...Object.values(resumed))).toBeLessThan(RESUME_MS);
    });
  });

  it('whose JavaScript hangs for 10 s carries frames all the time', async () => {
    await withFleet(async (fleet) => {
      const [one, two] = await fleet.pair();
      const load = await Load.start(one, two, PACED);
      await one.untilLink(two, 'fast');
      const lines = [one.log.length, two.log.length];
      const startedMs = Date.now();
      await runOn(two, 'block-thread.mjs', 20_000, '10000');
      const report = await load.report(startedMs, Date.now());
      tell('JavaScript blocked for 10 s', report);
      expect(report.lostPings).toBe(0);
      expect(report.longestGapMs).toBeLessThan(1_000);
      expect(one.events('link.down', lines[0])).toEqual([]);
      expect(two.events('link.down', lines[1])).toEqual([]);
    });
  });

  it.for(['the sender', 'the receiver'])('killed and started again, as %s, is back', async (which) => {
    await withFleet(async (fleet) => {
      const [one, two] = await fleet.pair();
      const load = await Load.start(one, two, PACED);
      await one.untilLink(two, 'fast');
      const startedMs = Date.now();
      const victim = which === 'the sender' ? one : two;
      await victim.stop('SIGKILL');
      victim.start();
      await victim.untilUp();
      const upMs = Date.now();
      const resumed = await load.resumed(upMs, 30_000);
      await one.untilLink(two, 'fast');
      const figures = { startMs: upMs - startedMs, ...resumed };
      tell(`${which} killed`, { ...figures, ...(await load.report(startedMs, Date.now())) });
      expect(resumed.pingMs).toBeLessThan(RESUME_MS);
      // A try of TCP that went to the old session is said again only when its own timer has run out.
      expect(Math.max(resumed.tcpMs, resumed.tcpReverseMs)).toBeLessThan(2 * RESUME_MS);
    });
  });

  it('that is killed is known to be gone within 5 s, and its link is down within 10 s', async () => {
    await withFleet(async (fleet) => {
      const [one, two] = await fleet.pair();
      const load = await Load.start(one, two, PACED);
      await one.untilLink(two, 'fast');
      const killedMs = Date.now();
      await two.stop('SIGKILL');
      await one.until('in doubt', 20_000, ({ links }) => links.some(({ problem }) => problem !== null));
      const knownMs = Date.now() - killedMs;
      await one.until('without the link', 20_000, ({ links }) => links.every(({ state }) => state !== 'up'));
      const downMs = Date.now() - killedMs;
      tell('killed peer', { knownMs, downMs });
      expect(knownMs).toBeLessThan(5_000);
      expect(downMs).toBeLessThan(10_000);
      await load.stop();
    });
  });

  it('whose TAP is deleted makes it again', async () => {
    await withFleet(async (fleet) => {
      const [one, two] = await fleet.pair();
      const load = await Load.start(one, two, PACED);
      const { datapath } = await one.untilLink(two, 'fast');
      const startedMs = Date.now();
      await one.host.run(['ip', 'link', 'delete', datapath?.tap ?? '']);
      await one.until('without a TAP', 5_000, (status) => status.datapath === null);
      await one.untilUp();
      const upMs = Date.now();
      const resumed = await load.resumed(upMs, 30_000);
      tell('TAP deleted', {
        tapMs: upMs - startedMs,
        ...resumed,
        ...(await load.report(startedMs, Date.now())),
      });
      expect(upMs - startedMs).toBeLessThan(RESUME_MS);
      expect(Math.max(...Object.values(resumed))).toBeLessThan(RESUME_MS);
    });
  });

  it(`does not grow in ${CYCLES} cycles of a link`, async () => {
    await withFleet(async (fleet) => {
      const [one, two] = await fleet.pair();
      const cycle = async () => {
        await one.ping(two);
        await one.trim(two);
        await two.until('without links', 5_000, ({ links }) => links.length === 0);
      };
      for (let count = 0; count < WARM_UP_CYCLES; count++) await cycle();
      const before = await tidyFootprints(one, two);
      const startedMs = Date.now();
      for (let count = 1; count <= CYCLES; count++) {
        await cycle();
        if (count % REPORT_EVERY_CYCLES > 0) continue;
        const rssKb = [one, two].map((member) => member.footprint().rssKb).join(' and ');
        tell(`after ${count} cycles`, { rssKb, cycleMs: Math.round((Date.now() - startedMs) / count) });
      }
      // What closes a moment later.
      await sleep(1_000);
      const after = await tidyFootprints(one, two);
      tell(`${CYCLES} cycles`, { before: JSON.stringify(before), after: JSON.stringify(after) });
      after.forEach(({ rssKb, threads, descriptors }, at) => {
        expect(threads).toBeLessThanOrEqual((before[at]?.threads ?? 0) + 1);
        expect(descriptors).toBeLessThanOrEqual((before[at]?.descriptors ?? 0) + 2);
        // Garbage is collected: what is more now is held, or is the allocator's.
        expect(rssKb).toBeLessThan((before[at]?.rssKb ?? 0) + MAX_GROWTH_KB);
      });
    });
  }, 3_600_000);
});
