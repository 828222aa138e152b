/** What a link costs that nobody uses, on the underlay: fast path, ICE and SCTP together. */
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import type { FleetUnderTest } from './fleet-under-test.ts';
import { faultProblem, tell, withFleet } from './scenario.ts';

/** ICE asks for consent every 4 to 6 s (RFC 7675), SCTP whether the peer is there every 11 s, the fast path every 2 s. */
const MEASURED_S = 33;
const DAY_S = 86_400;

/** IP bytes between these two, in both directions, while that lasts. */
async function udpBytes(
  { lab }: FleetUnderTest,
  [one, two]: [string, string],
  during: () => Promise<unknown>,
): Promise<number> {
  const rules = [
    'add table bridge idle',
    'add chain bridge idle forward { type filter hook forward priority 0; }',
    `add rule bridge idle forward ip saddr ${one} ip daddr ${two} meta l4proto udp counter`,
    `add rule bridge idle forward ip saddr ${two} ip daddr ${one} meta l4proto udp counter`,
  ];
  await lab.lan.run(['nft', rules.join('; ')]);
  await during();
  const { stdout } = await lab.lan.run(['nft', 'list', 'table', 'bridge', 'idle']);
  return [...stdout.matchAll(/ bytes (\d+)/g)].reduce((sum, [, bytes]) => sum + Number(bytes), 0);
}

describe('a link that nobody uses', () => {
  beforeEach((context) => {
    const problem = faultProblem();
    if (problem !== null) context.skip(problem);
  });

  it('costs less than 20 MB a day, both directions together', async () => {
    await withFleet(async (fleet) => {
      const [one, two] = await fleet.pair();
      await one.ping(two);
      await one.untilLink(two, 'fast');
      await sleep(5_000);
      const hosts: [string, string] = [one.host.address, two.host.address];
      const lines = one.log.length;
      const bytes = await udpBytes(fleet, hosts, () => sleep(MEASURED_S * 1_000));
      const perDay = (bytes * DAY_S) / MEASURED_S;
      tell('idle link', { bytes, mbytesPerDay: (perDay / 1e6).toFixed(2) });
      // Alive on both paths: it must have cost something.
      expect(one.events('link.path', lines)).toEqual([]);
      expect(perDay).toBeGreaterThan(10e6);
      expect(perDay).toBeLessThan(20e6);
    });
  });
});
