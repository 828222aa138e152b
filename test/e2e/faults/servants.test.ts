import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { Load } from './load.ts';
import { faultProblem, PACED, RESUME_MS, tell, withFleet } from './scenario.ts';

const OUTAGE_MS = 8_000;

describe.concurrent('the fleet’s servants', () => {
  beforeEach((context) => {
    const problem = faultProblem();
    if (problem !== null) context.skip(problem);
  });

  it('a stopped broker costs links nothing; one that lost its memory gets it back', async () => {
    await withFleet(async (fleet) => {
      const [one, two] = await fleet.pair();
      const load = await Load.start(one, two, PACED);
      await one.untilLink(two, 'fast');
      const lines = one.log.length;
      const startedMs = Date.now();
      await fleet.stopBroker();
      await one.until('without a broker', 10_000, ({ broker }) => !broker.connected);
      await sleep(OUTAGE_MS);
      const report = await load.report(startedMs, Date.now());
      tell('broker stopped', report);
      expect(report.lostPings).toBe(0);
      expect(one.events('link.down', lines)).toEqual([]);

      // Killed with all it knew: configs, members, presence.
      const againMs = Date.now();
      await fleet.startBroker();
      await one.until('connected', 60_000, ({ broker }) => broker.connected);
      await two.until('connected', 60_000, ({ broker }) => broker.connected);
      tell('broker back', { connectedMs: Date.now() - againMs });
      const three = await fleet.addMember('three');
      three.startWithClaim();
      await three.untilUp(60_000);
      await three.ping(two);
      await three.ping(one);
      expect(one.events('link.down', lines)).toEqual([]);
    });
  });

  it('a registrar that is started again admits devices', async () => {
    await withFleet(async (fleet) => {
      const [one, two] = await fleet.pair();
      await fleet.stopRegistrar();
      await one.ping(two);
      const three = await fleet.addMember('three');
      three.startWithClaim();
      await three.until('waiting for the registrar', 10_000, ({ phase }) => phase === 'enrolling');
      await fleet.startRegistrar();
      const startedMs = Date.now();
      await three.untilUp(40_000);
      tell('registrar back', { admittedMs: Date.now() - startedMs });
      await three.ping(one);
    });
  });

  it('a device started with the broker down is there from disk, and links once the broker is', async () => {
    await withFleet(async (fleet) => {
      const [one, two] = await fleet.pair();
      await one.ping(two);
      await fleet.stopBroker();
      await two.stop();
      two.start();
      const { broker, sensors, datapath } = await two.untilUp();
      expect(broker).toMatchObject({ connected: false });
      expect(broker.problem).not.toBeNull();
      expect(datapath).not.toBeNull();
      expect(sensors.listening.length).toBeGreaterThan(0);
      await fleet.startBroker();
      await two.until('connected', 40_000, (status) => status.broker.connected);
      await one.until('connected', 40_000, (status) => status.broker.connected);
      const startedMs = Date.now();
      await one.ping(two);
      tell('broker back', { linkedMs: Date.now() - startedMs });
      expect(Date.now() - startedMs).toBeLessThan(RESUME_MS);
    });
  });
});
