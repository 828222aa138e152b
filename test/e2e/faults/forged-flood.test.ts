/** Packets that a stranger forges with the very endpoint and receiver index of a link's peer, as many as it can send. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { repositoryPath } from '../../lab/repository.ts';
import type { FleetUnderTest } from './fleet-under-test.ts';
import { Load } from './load.ts';
import type { Member } from './member.ts';
import { FULL_RATE, faultProblem, RESUME_MS, tell, withFleet } from './scenario.ts';

const FLOOD_S = 5;
const PACKETS_PER_S = 1_000_000;

async function makeForger({ lab }: FleetUnderTest): Promise<string> {
  const program = join(lab.directory, 'forge-packets');
  const source = repositoryPath('test/lab/forge-packets.c');
  const { code, stderr } = await lab.lan.run([process.env['CC'] || 'cc', '-O2', '-o', program, source]);
  expect(code, stderr).toBe(0);
  return program;
}

/** Resolves after the flood with what it has sent. */
async function flood(program: string, { lab }: FleetUnderTest, to: Member, payloadBytes: number) {
  const port = (await to.status())?.datapath?.udpPort ?? 0;
  const what = [to.name, port, payloadBytes, PACKETS_PER_S, FLOOD_S].map(String);
  const { stdout, stderr } = await lab.lan.run([program, ...what], { timeoutMs: 30_000 });
  expect(stdout, stderr).toMatch(/^\d+$/);
  return Number(stdout);
}

/** How long its JavaScript took at most to answer, asked again and again for so long. */
async function slowestAnswer(member: Member, forMs: number): Promise<number> {
  let slowestMs = 0;
  for (const untilMs = performance.now() + forMs; performance.now() < untilMs; await sleep(100)) {
    const askedMs = performance.now();
    await member.status();
    slowestMs = Math.max(slowestMs, performance.now() - askedMs);
  }
  return Math.round(slowestMs);
}

describe('a flood of forged packets in the peer’s name', () => {
  beforeEach((context) => {
    const problem = faultProblem();
    if (problem !== null) context.skip(problem);
  });

  it.for([76, 1_400])('of %i bytes each slows the link, and does nothing else', async (payloadBytes) => {
    await withFleet(async (fleet) => {
      const [one, two] = await fleet.pair();
      const load = await Load.start(one, two, FULL_RATE);
      await one.untilLink(two, 'fast');
      const program = await makeForger(fleet);
      const carried = async (during: Promise<unknown>) => {
        const [startBytes, startedMs] = [load.bytes(), Date.now()];
        await during;
        return Math.round((load.bytes() - startBytes) / 125 / (Date.now() - startedMs));
      };
      const beforeMbitPerS = await carried(sleep(FLOOD_S * 1_000));
      const lines = [one.log.length, two.log.length];
      const startedMs = Date.now();
      const flooding = flood(program, fleet, two, payloadBytes);
      const answerMs = slowestAnswer(two, FLOOD_S * 1_000);
      const floodMbitPerS = await carried(flooding);
      const endedMs = Date.now();
      const resumed = await load.resumed(endedMs, 30_000);
      const { pings, lostPings } = await load.report(startedMs, endedMs);
      const forgedPerS = Math.round((await flooding) / FLOOD_S);
      const figures = {
        forgedPerS,
        beforeMbitPerS,
        floodMbitPerS,
        pings,
        lostPings,
        answerMs: await answerMs,
      };
      tell(`forged packets of ${payloadBytes} bytes`, { ...figures, ...resumed });
      const drops = (await two.status())?.datapath?.drops ?? {};
      tell('drops', drops);
      expect(forgedPerS).toBeGreaterThan(20_000);
      // The rest was dropped at the socket, where honest packets are, too.
      expect(drops['packet-not-authentic']).toBeGreaterThan(50_000);
      expect(drops['event-ring-full'] ?? 0).toBe(0);
      expect(await answerMs).toBeLessThan(RESUME_MS);
      expect(floodMbitPerS).toBeGreaterThan(0);
      expect(one.events('link.down', lines[0])).toEqual([]);
      expect(two.events('link.down', lines[1])).toEqual([]);
      expect(Math.max(...Object.values(resumed))).toBeLessThan(RESUME_MS);
    });
  });
});
