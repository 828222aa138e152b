import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { Load } from './load.ts';
import { FULL_RATE, faultProblem, PACED, RESUME_MS, tell, withFleet } from './scenario.ts';

/** In seconds. */
const OUTAGES = process.env['TINCAN_LONG_FAULTS'] ? [3, 10, 30, 300] : [3, 30];
const NO_FAULT_MS = 1_000;

describe.concurrent('the network', () => {
  beforeEach((context) => {
    const problem = faultProblem();
    if (problem !== null) context.skip(problem);
  });

  it.for(OUTAGES)(
    'down for %i s at full rate costs that time and no more',
    { timeout: 600_000 },
    async (seconds) => {
      await withFleet(async (fleet) => {
        const [one, two] = await fleet.pair();
        const load = await Load.start(one, two, FULL_RATE);
        await one.untilLink(two, 'fast');
        const startedMs = Date.now();
        await fleet.network.cut('two');
        await sleep(seconds * 1000);
        await fleet.network.clear();
        const resumed = await load.resumed(Date.now(), 60_000);
        await one.untilLink(two, 'fast');
        tell(`path down for ${seconds} s`, { ...resumed, ...(await load.report(startedMs, Date.now())) });
        expect(Math.max(...Object.values(resumed))).toBeLessThan(RESUME_MS);
      });
    },
  );

  it('that loses 1, 5 and 20 % slows the load, and neither link nor path changes', async () => {
    await withFleet(async (fleet) => {
      const [one, two] = await fleet.pair();
      const load = await Load.start(one, two, PACED);
      await one.untilLink(two, 'fast');
      await sleep(NO_FAULT_MS);
      const lines = one.log.length;
      for (const percent of [1, 5, 20]) {
        const startedMs = Date.now();
        await fleet.network.lose(percent);
        await sleep(5_000);
        const untilMs = Date.now();
        await fleet.network.clear();
        // Nothing is down: a TCP that has lost its own repetitions waits for as long as its kernel says.
        const resumed = await load.resumed(Date.now(), 60_000);
        tell(`loss of ${percent} %`, { ...resumed, ...(await load.report(startedMs, untilMs)) });
        expect(resumed.pingMs).toBeLessThan(RESUME_MS);
      }
      expect(one.events('link.down', lines)).toEqual([]);
      expect(one.events('link.path', lines)).toEqual([]);
    });
  });

  it('that sends frames twice and out of order delivers each once', async () => {
    await withFleet(async (fleet) => {
      const [one, two] = await fleet.pair();
      const load = await Load.start(one, two, PACED);
      await one.untilLink(two, 'fast');
      const pair = ['one', 'two'] as const;
      const lines = one.log.length;
      for (const [what, impair] of [
        ['20 % twice', () => fleet.network.duplicate(20, pair)],
        ['10 % held for 5 ms', () => fleet.network.hold({ percent: 10 }, 5, pair, fleet.lab.directory)],
      ] as const) {
        const startedMs = Date.now();
        await impair();
        await sleep(4_000);
        const report = await load.report(startedMs, Date.now());
        await fleet.network.clear();
        tell(what, report);
        expect(report.lostPings).toBe(0);
      }
      const drops = (await two.status())?.datapath?.drops;
      tell('drops of the receiver', drops ?? {});
      expect(drops?.['packet-replayed']).toBeGreaterThan(0);
      expect(one.events('link.down', lines)).toEqual([]);
    });
  });

  it('pulled out of a host for 3 s and plugged in again', async () => {
    await withFleet(async (fleet) => {
      const [one, two] = await fleet.pair();
      const load = await Load.start(one, two, PACED);
      await one.untilLink(two, 'fast');
      const startedMs = Date.now();
      await two.host.setLink('down');
      await sleep(3_000);
      await two.host.setLink('up');
      const resumed = await load.resumed(Date.now(), 30_000);
      tell('cable out for 3 s', { ...resumed, ...(await load.report(startedMs, Date.now())) });
      expect(Math.max(...Object.values(resumed))).toBeLessThan(RESUME_MS);
    });
  });

  it.for(['one', 'two'])('in which nothing of host %s gets through for 5 s', async (muted) => {
    await withFleet(async (fleet) => {
      const [one, two] = await fleet.pair();
      const load = await Load.start(one, two, FULL_RATE);
      await one.untilLink(two, 'fast');
      const startedMs = Date.now();
      await fleet.network.mute(muted);
      await sleep(5_000);
      await fleet.network.clear();
      const resumed = await load.resumed(Date.now(), 30_000);
      await one.untilLink(two, 'fast');
      tell(`${muted} mute for 5 s`, { ...resumed, ...(await load.report(startedMs, Date.now())) });
      expect(Math.max(...Object.values(resumed))).toBeLessThan(RESUME_MS);
    });
  });

  it('that gives a host another address', async () => {
    await withFleet(async (fleet) => {
      const [one, two] = await fleet.pair();
      const load = await Load.start(one, two, PACED);
      await one.untilLink(two, 'fast');
      const startedMs = Date.now();
      await two.host.replaceAddress('192.168.77.200');
      const resumed = await load.resumed(Date.now(), 30_000);
      await one.untilLink(two, 'fast');
      tell('new address', { ...resumed, ...(await load.report(startedMs, Date.now())) });
      expect(Math.max(...Object.values(resumed))).toBeLessThan(RESUME_MS);
    });
  });

  it('that blocks the fast path: the slow one takes over, and back', async () => {
    await withFleet(async (fleet) => {
      const [one, two] = await fleet.pair();
      const load = await Load.start(one, two, PACED);
      const { datapath } = await one.untilLink(two, 'fast');
      const startedMs = Date.now();
      await fleet.network.blockUdp([datapath?.udpPort ?? 0, (await two.status())?.datapath?.udpPort ?? 0]);
      const blocked = await load.resumed(Date.now() + 100, 2 * RESUME_MS);
      tell('fast path blocked', { ...blocked, ...(await load.report(startedMs, Date.now())) });
      await one.untilLink(two, 'slow');
      const againMs = Date.now();
      await fleet.network.clear();
      await one.untilLink(two, 'fast');
      const backMs = Date.now() - againMs;
      tell('fast path unblocked', { backMs, ...(await load.report(againMs, Date.now())) });
      expect(Math.max(...Object.values(blocked))).toBeLessThan(RESUME_MS);
    });
  });
});
