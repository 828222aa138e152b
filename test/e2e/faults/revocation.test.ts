/** A device that its owner puts out of the fleet, with real agents, while everybody talks to it. */
import { rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { runTincan } from '../../demo/tincan-command.ts';
import { faultProblem, tell, withFleet } from './scenario.ts';

const HEAR_MS = 10_000;

describe('a revoked device', () => {
  it('is cut off by its peers at once, ends, and leaves its name to another one', async (context) => {
    const problem = faultProblem();
    if (problem !== null) context.skip(problem);
    await withFleet(async (fleet) => {
      const [one, two] = await fleet.pair();
      const three = await fleet.addMember('three');
      three.startWithClaim();
      await three.untilUp();
      await one.ping(two);
      await three.ping(two);
      const { node } = await two.untilLink(one, 'fast');
      const agent = two.agent;

      const startedMs = Date.now();
      await runTincan(fleet.hub, 'fleet', 'revoke', fleet.directory, 'two');
      for (const peer of [one, three]) {
        await peer.until('without it', HEAR_MS, ({ links }) => links.every(({ name }) => name !== 'two'));
        // Or its own good-bye was quicker than the list.
        expect(peer.events('link.closed').join('\n')).toMatch(/name=two reason=(revoked|stopping)/);
      }
      tell('revoked', { cutOffMs: Date.now() - startedMs });
      expect(await agent.exited).toMatchObject({ code: 1 });
      expect(agent.lastLines(3).join('\n')).toMatch(/put out of fleet f by its owner/);
      const taps = await two.host.run(['ip', '-o', 'link', 'show', 'type', 'tun']);
      expect(taps.stdout).toBe('');

      // With its old state it cannot begin again, also when that has forgotten the list.
      rmSync(`${two.stateDirectory}/revoked.json`);
      expect(await two.start().exited).toMatchObject({ code: 1 });
      await expect(one.ping(two, 2_000)).rejects.toThrow(/two/);

      rmSync(two.stateDirectory, { recursive: true });
      rmSync(two.claimFile);
      await runTincan(fleet.hub, 'fleet', 'add', fleet.directory, 'two', '--claim', two.claimFile);
      two.startWithClaim();
      const again = await two.untilUp();
      expect(again.node.ip4).toBe(node.ip4);
      expect(again.node.id).not.toBe(node.id);
      // Not `one`: whom it has just looked for in vain it looks for again after a moment only.
      await three.ping(two);
    });
  }, 120_000);
});
