/** Real agents, one with an LED in a tree that stands in for /sys/class: who may set it, and what becomes of it. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import type { FleetUnderTest } from './faults/fleet-under-test.ts';
import type { Member } from './faults/member.ts';
import { faultProblem, withFleet } from './faults/scenario.ts';

const HOLD_SECONDS = 2;
/** A killed peer is noticed within 10 s; this is for slow machines. */
const LOST_MS = 40_000;
const PUT = `const [url, body] = process.argv.slice(1);
const headers = { 'content-type': 'application/json' };
const answer = await fetch(url, { method: 'PUT', headers, body });
console.log(JSON.stringify({ status: answer.status, body: await answer.json() }));`;

interface Answer {
  status: number;
  body: { value?: boolean; error?: string; setBy?: { name: string } };
}

/** One LED, as files; a plain file keeps its length, so the names of its triggers have the same. */
class FakeLed {
  readonly classes: string;
  readonly #folder: string;

  constructor(directory: string) {
    this.classes = join(directory, 'sys-class');
    this.#folder = join(this.classes, 'leds', 'relay');
    mkdirSync(this.#folder, { recursive: true });
    this.#write('max_brightness', '1');
    this.#write('brightness', '1');
    this.#write('trigger', 'mmc0');
  }

  is(file: 'brightness' | 'trigger'): string {
    return readFileSync(join(this.#folder, file), 'utf8').trim();
  }

  async until(brightness: string, timeoutMs = LOST_MS): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (this.is('brightness') !== brightness && performance.now() < deadline) await sleep(50);
    expect(this.is('brightness')).toBe(brightness);
  }

  #write(file: string, text: string): void {
    writeFileSync(join(this.#folder, file), `${text}\n`);
  }
}

/** The owner lets operators set the LED of the greenhouse, which is off when nobody does. */
function allowOperators(fleet: FleetUnderTest): void {
  const file = join(fleet.directory, 'fleet.json');
  const record = JSON.parse(readFileSync(file, 'utf8')) as { settings: object };
  Object.assign(record.settings, {
    deviceSensors: { greenhouse: { leds: [{ name: 'relay', safeState: 0, holdSeconds: HOLD_SECONDS }] } },
    policy: [{ command: ['operator'] }],
  });
  writeFileSync(file, JSON.stringify(record));
}

function startWithLed(member: Member, led: FakeLed, ...extra: string[]): void {
  const script = `mount --bind "$0" /sys/class && exec "$@"`;
  member.start(extra, ['unshare', '--mount', 'sh', '-c', script, led.classes]);
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
      allowOperators(fleet);
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
      expect(greenhouse.events('actuator.set')[0]).toMatch(
        /actuator=led-relay by=\w+ name=laptop via=http from=false to="?true/,
      );
      expect(greenhouse.events('actuator.refused')).toHaveLength(2);

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
    });
  });
});
