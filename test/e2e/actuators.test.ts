/** Real agents, one with an LED in a tree that stands in for /sys/class: who may set it, and what becomes of it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { runTincan } from '../demo/tincan-command.ts';
import { FakeLed, startWithLed } from './faults/fake-led.ts';
import type { FleetUnderTest } from './faults/fleet-under-test.ts';
import type { Member } from './faults/member.ts';
import { faultProblem, withFleet } from './faults/scenario.ts';

const HOLD_SECONDS = 2;
/** For slow machines. */
const LOST_MS = 40_000;
const SWITCH = ['set', 'greenhouse', 'led-relay'] as const;
const PUT = `const [url, body] = process.argv.slice(1);
const headers = { 'content-type': 'application/json' };
const answer = await fetch(url, { method: 'PUT', headers, body });
console.log(JSON.stringify({ status: answer.status, body: await answer.json() }));`;

interface Answer {
  status: number;
  body: { value?: boolean; error?: string; setBy?: { name: string } };
}

/** The owner lets operators set the LED of the greenhouse, which is off when nobody does; and thinks again. */
function allow(fleet: FleetUnderTest, ...tags: string[]): void {
  const file = join(fleet.directory, 'fleet.json');
  const record = JSON.parse(readFileSync(file, 'utf8')) as { settings: object };
  Object.assign(record.settings, {
    deviceSensors: { greenhouse: { leds: [{ name: 'relay', safeState: 0, holdSeconds: HOLD_SECONDS }] } },
    policy: [{ command: tags }],
  });
  writeFileSync(file, JSON.stringify(record));
}

async function put(from: Member, address: string, value: boolean): Promise<Answer> {
  const url = `http://${address}/actuators/led-relay`;
  const argv = [process.execPath, '--input-type=module', '-e', PUT, url, JSON.stringify({ value })];
  const { stdout } = await from.host.run(argv, { timeoutMs: 20_000 });
  return JSON.parse(stdout) as Answer;
}

describe('actuators over the overlay', () => {
  beforeEach((context) => {
    const problem = faultProblem();
    if (problem !== null) context.skip(problem);
  });

  it('are set by members with the tag alone, and are safe when these are lost, at a stop and after a crash', async () => {
    await withFleet(async (fleet) => {
      allow(fleet, 'operator');
      await fleet.serve();
      const led = new FakeLed(fleet.lab.directory);
      const laptop = await fleet.addMember('laptop', '--tag', 'operator');
      const guest = await fleet.addMember('guest');
      const greenhouse = await fleet.addMember('greenhouse');
      startWithLed(greenhouse, led, '--claim', greenhouse.claimFile);
      laptop.startWithClaim();
      guest.startWithClaim();
      const { node } = await greenhouse.untilUp();
      await Promise.all([laptop.untilUp(), guest.untilUp()]);
      // Before anybody asked for anything: what an earlier run left is off.
      expect([led.is('brightness'), led.is('trigger')]).toEqual(['0', 'none']);

      const allowed = await put(laptop, node.ip4 ?? '', true);
      expect(allowed).toMatchObject({ status: 200, body: { value: true, setBy: { name: 'laptop' } } });
      expect(led.is('brightness')).toBe('1');
      for (const member of [guest, greenhouse]) {
        const refused = await put(member, node.ip4 ?? '', false);
        expect(refused.status).toBe(403);
        expect(refused.body.error).toContain(`${member.name} lacks the tag operator`);
      }
      expect(led.is('brightness')).toBe('1');
      expect(await runTincan(laptop.host, ...SWITCH, 'off', '--socket', laptop.socket)).toMatch(/is off/);
      expect(led.is('brightness')).toBe('0');
      expect(await runTincan(laptop.host, ...SWITCH, 'on', '--json', '--socket', laptop.socket)).toContain(
        '"value":true',
      );
      const listed = await runTincan(guest.host, 'actuators', 'greenhouse', '--socket', guest.socket);
      expect(listed).toMatch(/led-relay +on +on, off +off +set by laptop/);
      await expect(runTincan(guest.host, ...SWITCH, 'off', '--socket', guest.socket)).rejects.toThrow(
        /lacks the tag operator/,
      );
      expect(greenhouse.events('actuator.set')[0]).toMatch(
        /actuator=led-relay by=\w+ name=laptop via=http from=false to="?true/,
      );
      expect(greenhouse.events('actuator.refused')).toHaveLength(3);

      await laptop.stop('SIGKILL');
      await led.until('0');
      const why = () => greenhouse.events('actuator.safe')[0] ?? '';
      await expect.poll(why, { timeout: 5_000 }).toContain('cause=controller-lost');

      laptop.start();
      await laptop.untilUp();
      expect((await put(laptop, `[${node.ip6}]`, true)).status).toBe(200);
      await greenhouse.stop('SIGKILL');
      expect(led.is('brightness')).toBe('1');
      startWithLed(greenhouse, led);
      await greenhouse.untilUp();
      expect(led.is('brightness')).toBe('0');

      await laptop.untilLink(greenhouse, 'any').catch(() => undefined);
      expect((await put(laptop, node.ip4 ?? '', true)).status).toBe(200);
      await greenhouse.stop();
      expect([led.is('brightness'), led.is('trigger')]).toEqual(['0', 'mmc0']);

      startWithLed(greenhouse, led);
      await greenhouse.untilUp();
      expect((await put(laptop, node.ip4 ?? '', true)).status).toBe(200);
      const started = greenhouse.events('node.up').length;
      allow(fleet);
      await led.until('0');
      const withdrawn = async () => (await put(laptop, node.ip4 ?? '', true).catch(() => null))?.body.error;
      await expect.poll(withdrawn, { timeout: LOST_MS }).toMatch(/^nobody may set its actuators/);
      // Its links stayed: the node was not built anew.
      expect(greenhouse.events('node.up')).toHaveLength(started);
    });
  });
});
