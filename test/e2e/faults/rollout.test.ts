/** New settings for a fleet of real agents, by the command, while they talk to each other. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import type { Rollout } from '../../../provisioning/fleet/rollout.ts';
import { askTincan, runTincan } from '../../demo/tincan-command.ts';
import { faultProblem, tell, withFleet } from './scenario.ts';

const WAVE_MS = 40_000;
const TAKEN_PORT = 7_777;

describe('new settings of a fleet', () => {
  it('reach one device, then the other; what a device cannot live with is taken back', async (context) => {
    const problem = faultProblem();
    if (problem !== null) context.skip(problem);
    await withFleet(async (fleet) => {
      const [one, two] = await fleet.pair();
      await one.ping(two);
      const file = join(fleet.lab.directory, 'settings.json');
      const apply = (settings: object, ...options: string[]) => {
        writeFileSync(file, JSON.stringify(settings));
        return runTincan(fleet.hub, 'fleet', 'apply', fleet.directory, file, ...options);
      };
      const untilRollout = async (what: string, wanted: (rollout: Rollout | null) => boolean) => {
        const ask = () =>
          askTincan<{ rollout: Rollout | null }>(fleet.hub, 'fleet', 'status', fleet.directory);
        await vi.waitFor(async () => expect(wanted((await ask()).rollout), what).toBe(true), {
          timeout: WAVE_MS,
          interval: 500,
        });
      };
      const mtuIs = (mtuBytes: number) => (status: { datapath: { mtuBytes: number } | null }) =>
        status.datapath?.mtuBytes === mtuBytes;
      const startedMs = Date.now();
      await apply({ mtuBytes: 1280 }, '--first', 'two');
      await two.until('of the new MTU', WAVE_MS, mtuIs(1280));
      expect(await one.status()).toMatchObject({ datapath: { mtuBytes: 1400 } });
      await one.until('of the new MTU', WAVE_MS, mtuIs(1280));
      tell('two waves', { ms: Date.now() - startedMs });
      await one.ping(two);
      await untilRollout('over', (rollout) => rollout === null);

      // A port that another program has on one of them: it cannot be up with that, and goes back.
      const before = (await one.status())?.config?.serial ?? 0;
      const takePort = `require('dgram').createSocket('udp6').bind(${TAKEN_PORT}, () => console.log('taken'))`;
      const other = two.host.spawn('another program', [process.execPath, '-e', takePort]);
      await other.waitForLine('taken', 5_000, () => true);
      await apply({ links: { udpPort: TAKEN_PORT } }, '--first', 'two');
      await untilRollout('stopped', (rollout) => rollout?.problem?.includes('two went back') ?? false);
      expect((await one.status())?.config?.serial).toBe(before);
      await two.untilUp();
      await one.ping(two);
    });
  }, 180_000);
});
