import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ConfigHealth } from '../../../provisioning/device/config-trial.ts';
import type { DeviceProvisioner } from '../../../provisioning/device/device-provisioner.ts';
import { mergePatch } from '../../../provisioning/fleet/merge-patch.ts';
import { wavesOf } from '../../../provisioning/fleet/rollout.ts';
import { beginRollout, planRollout, stopRollout } from '../../../provisioning/fleet/rollout-plan.ts';
import { MemoryFileStore } from '../../fakes/memory-file-store.ts';
import { FleetLab, rest, until } from './fleet-lab.ts';

let lab: FleetLab;
/** By device: whether it is well with a config of that MTU. */
let health: (device: string, mtuBytes: number) => ConfigHealth;
let devices: Map<string, DeviceProvisioner>;

beforeEach(async () => {
  lab = new FleetLab();
  await lab.init();
  await lab.serve();
  health = () => ({ healthy: true });
  devices = new Map();
});

afterEach(() => lab.stop());

async function add(...names: string[]): Promise<void> {
  for (const name of names) {
    const { device } = await lab.enrolled(name, new MemoryFileStore(), async (config) =>
      health(name, config.network.mtuBytes),
    );
    devices.set(name, device);
  }
  await until('all are online', async () => {
    const directory = await lab.directory();
    const seen = await Promise.all(names.map((name) => directory.seen(name)));
    return seen.every(({ presence, ack }) => presence?.online && ack?.outcome === 'committed');
  });
}

const mtuOf = (name: string) => devices.get(name)?.config()?.network.mtuBytes;
const mtus = () => Object.fromEntries([...devices.keys()].map((name) => [name, mtuOf(name)]));
const rolloutEvents = () => lab.events.flatMap((event) => (event.event === 'rollout' ? [event] : []));

async function apply(patch: object, first: string[] = [], allAtOnce = false) {
  const directory = await lab.directory();
  const plan = await planRollout(directory, patch, { first, allAtOnce });
  await beginRollout(directory, plan, lab.clock.wallMs());
  return plan;
}

/** Seconds of the fleet's life; what happens between devices and registrar happens once in each step. */
async function pass(seconds: number, stepS = 1): Promise<void> {
  for (let second = 0; second < seconds; second += stepS) {
    await lab.clock.advance(stepS * 1_000);
    await rest();
  }
}

describe('new settings', { timeout: 30_000 }, () => {
  it('reach one device first, and the others when that has kept them', async () => {
    await add('attic', 'cellar', 'greenhouse');
    const { waves } = await apply({ mtuBytes: 1280 }, ['cellar']);
    expect(waves).toEqual([['cellar'], ['attic', 'greenhouse']]);
    await pass(3);
    expect(mtus()).toEqual({ attic: 1400, cellar: 1280, greenhouse: 1400 });
    await pass(14);
    expect(mtus()).toEqual({ attic: 1280, cellar: 1280, greenhouse: 1280 });
    await pass(14);
    expect(rolloutEvents().map(({ state, wave }) => `${state} ${wave}`)).toEqual([
      'released 2',
      'finished 2',
    ]);
    const directory = await lab.directory();
    expect(directory.rollout).toBeNull();
    expect(directory.fleet.settings.mtuBytes).toBe(1280);
  });

  it('are taken back from all when a device goes back, and reach nobody else', async () => {
    await add('attic', 'cellar', 'greenhouse');
    health = (_, mtuBytes) =>
      mtuBytes === 1280
        ? { healthy: false, reason: 'tap-failed', problem: 'the TAP is not up' }
        : { healthy: true };
    await apply({ mtuBytes: 1280 }, ['attic']);
    await pass(5);
    await until('it is stopped', () => rolloutEvents().at(-1)?.state === 'stopped');
    await pass(3);
    const directory = await lab.directory();
    expect(directory.rollout?.problem).toMatch(/^attic went back to its last config: .*TAP is not up/);
    expect(directory.fleet.settings.mtuBytes).toBe(1400);
    expect(mtus()).toEqual({ attic: 1400, cellar: 1400, greenhouse: 1400 });
    expect((await directory.seen('cellar')).ack?.serial).toBe(1);
    // What comes next takes the place of what failed.
    await apply({ mtuBytes: 1300 }, [], true);
    await pass(14);
    expect(mtus()).toEqual({ attic: 1300, cellar: 1300, greenhouse: 1300 });
  });

  it('wait for the first device as long as it is away, and can be taken back', async () => {
    await add('attic', 'cellar');
    await devices.get('attic')?.stop();
    await pass(1);
    await apply({ mtuBytes: 1280 }, ['attic']);
    await pass(100, 20);
    expect(mtuOf('cellar')).toBe(1400);
    await expect(apply({ mtuBytes: 1300 })).rejects.toMatchObject({ reason: 'rollout-under-way' });
    await stopRollout(await lab.directory());
    expect((await lab.directory()).settingsOf('attic').mtuBytes).toBe(1400);
    await expect(stopRollout(await lab.directory())).rejects.toMatchObject({ reason: 'no-rollout' });
    // By itself it begins with one that is there.
    expect((await apply({ mtuBytes: 1300 })).waves).toEqual([['cellar'], ['attic']]);
    await pass(90, 10);
    expect((await lab.directory()).fleet.settings.mtuBytes).toBe(1300);
  });

  it('that concern one device go to that one only; those that concern nobody count at once', async () => {
    await add('attic', 'cellar');
    const one = await apply({ deviceSensors: { attic: { sampling: [{ id: 'uptime', intervalMs: 1000 }] } } });
    expect(one.waves).toEqual([['attic']]);
    await pass(14);
    expect(devices.get('attic')?.config()?.serial).toBe(2);
    expect(devices.get('cellar')?.config()?.serial).toBe(1);
    await lab.claim('shed');
    const none = await apply({ deviceSensors: { shed: { sampling: [{ id: 'uptime', intervalMs: 1000 }] } } });
    expect(none.waves).toEqual([]);
    const { settings } = (await lab.directory()).fleet;
    expect(Object.keys(settings.deviceSensors ?? {})).toEqual(['attic', 'shed']);
    expect(await apply({ deviceSensors: null })).toMatchObject({ waves: [['attic']] });
  });

  it('are accepted as the README shows them', async () => {
    await add('greenhouse');
    const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');
    const blocks = [...readme.matchAll(/```json\n(.*?)```/gs)].map(
      ([, json = '']) => JSON.parse(json) as object,
    );
    expect(blocks.length).toBeGreaterThan(2);
    for (const patch of blocks) {
      const { waves } = await planRollout(await lab.directory(), patch, { first: [], allAtOnce: false });
      expect(waves).toEqual([['greenhouse']]);
    }
  });

  it('that cannot be are refused with the place, and change nothing', async () => {
    await add('attic');
    const before = new Map(lab.store.files);
    for (const [patch, sentence] of [
      [{ mtuBytes: 12 }, /wrong mtuBytes \(12 received\)/],
      [{ colour: 'red' }, /wrong colour/],
      [{ sensors: { intervalMs: 'often' } }, /wrong sensors\.intervalMs \("often" received\)/],
      [[], /no JSON object/],
      [{ deviceSensors: { atic: {} } }, /deviceSensors names atic, and there is no such device/],
      [{ policy: [{ device: 'cellar', read: ['operator'] }] }, /policy names cellar/],
    ] as const) {
      await expect(
        planRollout(await lab.directory(), patch, { first: [], allAtOnce: false }),
      ).rejects.toThrow(sentence);
    }
    await expect(
      planRollout(await lab.directory(), {}, { first: ['cellar'], allAtOnce: false }),
    ).rejects.toThrow(/--first names cellar/);
    expect(lab.store.files).toEqual(before);
  });
});

describe('waves', () => {
  const names = Array.from({ length: 31 }, (_, index) => `d${index}`);

  it('are one, a tenth, and the others', () => {
    expect(wavesOf(names, []).map(({ length }) => length)).toEqual([1, 3, 27]);
    expect(wavesOf(names.slice(0, 2), []).map(({ length }) => length)).toEqual([1, 1]);
    expect(wavesOf(['a'], [])).toEqual([['a']]);
    expect(wavesOf([], [])).toEqual([]);
  });

  it('begin with whom the owner names, and have everybody once', () => {
    const waves = wavesOf(names, ['d9', 'd3', 'd9']);
    expect(waves[0]).toEqual(['d9', 'd3']);
    expect(waves.flat().sort()).toEqual([...names].sort());
  });
});

describe('a merge patch', () => {
  // RFC 7396, appendix A.
  it.each([
    ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
    ['{"a":"b"}', '{"a":null}', '{}'],
    ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
    ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'],
    ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
    ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
    ['["a","b"]', '["c","d"]', '["c","d"]'],
    ['{"a":"b"}', '["c"]', '["c"]'],
    ['{"a":"foo"}', 'null', 'null'],
    ['{"a":"foo"}', '"bar"', '"bar"'],
    ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
    ['[1,2]', '{"a":"b","c":null}', '{"a":"b"}'],
    ['{}', '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
  ])('of %s with %s is %s', (target, patch, result) => {
    expect(mergePatch(JSON.parse(target), JSON.parse(patch))).toEqual(JSON.parse(result));
  });

  it('takes __proto__ for a key', () => {
    const merged = mergePatch({}, JSON.parse('{"__proto__":{"polluted":1}}')) as Record<string, unknown>;
    expect(Object.keys(merged)).toEqual(['__proto__']);
    expect(Object.getPrototypeOf(merged)).toBe(Object.prototype);
  });
});
