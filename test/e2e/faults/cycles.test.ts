/** One link made and ended over and over: what an agent holds stays what it was. */
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { tidyFootprints } from './inspected.ts';
import type { Footprint, Member } from './member.ts';
import { faultProblem, tell, withFleet } from './scenario.ts';

const CYCLES = Number(process.env['TINCAN_LINK_CYCLES'] ?? 200);
/** The allocator's arenas find their size. */
const WARM_UP_CYCLES = 100;
/** In the second half: in the first one heaps and compiled code find their size, which is some megabytes. */
const MAX_GROWTH_KB = 4_000;
const REPORT_EVERY_CYCLES = 500;
/** How long the far side may take to hear that a link is over, on a machine that has other work. */
const OVER_MS = 15_000;
const LOG_LINES = 25;

async function cycle(one: Member, two: Member): Promise<void> {
  await one.ping(two);
  await one.trim(two);
  await two.until('without links', OVER_MS, ({ links }) => links.length === 0);
}

/** Both sides of what went wrong. */
async function cycles(count: number, one: Member, two: Member, after: (done: number) => Promise<void>) {
  for (let done = 1; done <= count; done++) {
    try {
      // By turns, so that each is the one that offers, and the one that ends.
      await (done % 2 === 0 ? cycle(one, two) : cycle(two, one));
    } catch (error) {
      const logs = [one, two].map(({ name, log }) => [name, ...log.slice(-LOG_LINES)].join('\n'));
      throw new Error(`cycle ${done}:\n${logs.join('\n')}`, { cause: error });
    }
    await after(done);
  }
}

describe('an agent', () => {
  beforeEach((context) => {
    const problem = faultProblem();
    if (problem !== null) context.skip(problem);
  });

  it(`does not grow in ${CYCLES} cycles of a link`, async () => {
    await withFleet(async (fleet) => {
      const [one, two] = await fleet.pair();
      const figures = (all: Footprint[], startedMs: number, done: number) => ({
        rssKb: all.map(({ rssKb }) => rssKb).join(' and '),
        threads: all.map(({ threads }) => threads).join(' and '),
        descriptors: all.map(({ descriptors }) => descriptors).join(' and '),
        cycleMs: Math.round((Date.now() - startedMs) / Math.max(1, done)),
      });
      await cycles(WARM_UP_CYCLES, one, two, async () => undefined);
      const before = await tidyFootprints(one, two);
      const startedMs = Date.now();
      tell('before the cycles', figures(before, startedMs, 0));
      const halfway = Math.ceil(CYCLES / 2);
      let middle = before;
      await cycles(CYCLES, one, two, async (done) => {
        if (done !== halfway && done % REPORT_EVERY_CYCLES > 0) return;
        const now = await tidyFootprints(one, two);
        if (done === halfway) middle = now;
        tell(`after ${done} cycles`, figures(now, startedMs, done));
      });
      // What closes a moment later.
      await sleep(1_000);
      const after = await tidyFootprints(one, two);
      tell(`${CYCLES} cycles`, figures(after, startedMs, CYCLES));
      after.forEach(({ rssKb, threads, descriptors }, at) => {
        expect(threads).toBeLessThanOrEqual((before[at]?.threads ?? 0) + 1);
        expect(descriptors).toBeLessThanOrEqual((before[at]?.descriptors ?? 0) + 2);
        // Garbage is collected: what is more now is held, or is the allocator's.
        expect(rssKb).toBeLessThan((middle[at]?.rssKb ?? 0) + MAX_GROWTH_KB);
      });
    });
  }, 3_600_000);
});
