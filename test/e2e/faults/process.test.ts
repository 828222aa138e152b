import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { runOn } from './inspected.ts';
import { Load } from './load.ts';
import { faultProblem, PACED, RESUME_MS, tell, withFleet } from './scenario.ts';

/** TCP's first wait, and the machine's other work. */
const TIMER_MS = 500;

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
      await victim.until('at the broker', 20_000, ({ broker }) => broker.connected);
      const upMs = Date.now();
      const resumed = await load.resumed(upMs, 60_000);
      await one.untilLink(two, 'fast');
      const figures = { startMs: upMs - startedMs, ...resumed };
      tell(`${which} killed`, { ...figures, ...(await load.report(startedMs, Date.now())) });
      // The way is back when the agent can be heard: its TAP is up, and it is at the broker.
      expect(resumed.pingMs).toBeLessThan(RESUME_MS);
      // Without the agent nobody keeps its kernel's TCP from doubling its wait: to twice the outage at most.
      const tcpLimitMs = Math.max(RESUME_MS, figures.startMs + 2 * resumed.pingMs + TIMER_MS);
      expect(Math.max(resumed.tcpMs, resumed.tcpReverseMs)).toBeLessThan(tcpLimitMs);
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

  it.for([
    ['has another MAC address', ['link', 'set', 'address', '02:00:00:00:00:ff']],
    ['lost its addresses', ['address', 'flush']],
    ['is down', ['link', 'set', 'down']],
  ] as const)('whose TAP %s puts it right', async ([, [object, command, ...change]]) => {
    await withFleet(async (fleet) => {
      const [one, two] = await fleet.pair();
      const load = await Load.start(one, two, PACED);
      const { datapath } = await one.untilLink(two, 'fast');
      await one.host.run(['ip', object, command, 'dev', datapath?.tap ?? '', ...change]);
      const resumed = await load.resumed(Date.now(), 30_000);
      tell(`${object} ${command} ${change.join(' ')}`, resumed);
      expect(Math.max(...Object.values(resumed))).toBeLessThan(RESUME_MS);
      expect(one.events('tap.repaired')).toHaveLength(1);
      expect(one.events('link.down')).toEqual([]);
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
});
