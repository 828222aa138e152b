/** Names and services of members as a desktop sees them: with avahi, nss-mdns and curl, on real agents. */
import { describe, expect, it } from 'vitest';
import { defaultLabMode, labProblem } from '../lab/prerequisites.ts';
import { Avahi } from '../tools/avahi.ts';
import { withFleet } from './faults/scenario.ts';

const problem = labProblem(defaultLabMode()) ?? Avahi.problem();

describe('names and services on the overlay', () => {
  it('are found by avahi, before there is a link and after', async (context) => {
    if (problem !== null) context.skip(problem);
    await withFleet(async (fleet) => {
      await fleet.serve();
      const laptop = await fleet.addMember('laptop');
      const greenhouse = await fleet.addMember('greenhouse');
      laptop.startWithClaim();
      greenhouse.startWithClaim();
      await laptop.untilUp();
      await greenhouse.untilUp();
      // The machine has the name that its owner gave the member, too: they must not quarrel.
      const avahi = await Avahi.start(laptop.host, 'laptop');
      expect((await laptop.status())?.links).toEqual([]);
      const named = await avahi.run(['avahi-resolve', '-4', '-n', 'greenhouse.local']);
      expect(named.stdout).toMatch(/^greenhouse\.local\t10\.64\.\d+\.\d+$/);
      expect((await laptop.status())?.links).toEqual([]);
      const fetched = await avahi.run(['curl', '-sS', '-m', '10', 'http://greenhouse.local/sensors']);
      expect(JSON.parse(fetched.stdout)).toMatchObject({ name: 'greenhouse' });
      const six = await avahi.run(['avahi-resolve', '-6', '-n', 'greenhouse.local']);
      expect(six.stdout).toMatch(/^greenhouse\.local\tfd/);
      // avahi-browse -t waits a second for answers: on a busy machine one look may miss what the next one has.
      const browsed = async () => {
        const { stdout } = await avahi.run(['avahi-browse', '-rpt', '_wot._tcp']);
        return stdout.split('\n').filter((line) => line.startsWith('=;tincan0;IPv4;'));
      };
      await expect
        .poll(browsed, { timeout: 20_000 })
        .toEqual(
          expect.arrayContaining(
            ['greenhouse', 'laptop'].map((name) =>
              expect.stringMatching(
                `;${name};_wot._tcp;local;${name}.local;[0-9a-f.:]+;80;"scheme=http" "type=Thing" "td=/.well-known/wot"$`,
              ),
            ),
          ),
        );
      expect(avahi.log.filter((line) => /conflict/i.test(line))).toEqual([]);
      // Switched off, it takes its services back.
      await greenhouse.stop();
      const gone = await avahi.run(['avahi-browse', '-pt', '_coap._udp']);
      expect(gone.stdout).not.toContain('greenhouse');
    });
  }, 120_000);
});
