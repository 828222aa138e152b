import { describe, expect, it } from 'vitest';
import { Actuators } from '../../../../sensors/actuators.ts';
import { type LedSetting, ledDriver } from '../../../../sensors/drivers/led/led-driver.ts';
import { TakenLeds } from '../../../../sensors/drivers/led/taken-leds.ts';
import { FakeReaders, OPEN_POLICY } from '../../../fakes/fake-readers.ts';
import { FakeSysfs } from '../../../fakes/fake-sysfs.ts';
import { ManualClock } from '../../../fakes/manual-clock.ts';
import { MemoryFileStore } from '../../../fakes/memory-file-store.ts';
import { RecordingLog } from '../../../fakes/recording-log.ts';

const LEDS = '/sys/class/leds';
const OPERATOR = '10.64.0.2';

/** Lists its triggers as the kernel does, with the present one in brackets. */
function withLed(
  sysfs: FakeSysfs,
  name: string,
  trigger: string,
  maximum: number,
  brightness = 0,
): FakeSysfs {
  const file = `${LEDS}/${name}/trigger`;
  const list = (present: string) =>
    ['none', 'kbd-capslock', 'timer', 'heartbeat', 'mmc0']
      .map((of) => (of === present ? `[${of}]` : of))
      .join(' ');
  sysfs.onWrite(file, (text) => sysfs.put(file, `${list(text)}\n`));
  return sysfs
    .put(file, `${list(trigger)}\n`)
    .put(`${LEDS}/${name}/max_brightness`, `${maximum}\n`)
    .put(`${LEDS}/${name}/brightness`, `${brightness}\n`);
}

const pi = () =>
  withLed(withLed(new FakeSysfs(), 'ACT', 'mmc0', 1), 'beaglebone:green:usr0', 'none', 255, 40);

async function setUp(sysfs = pi(), settings: LedSetting[] = [], store = new MemoryFileStore()) {
  const clock = new ManualClock();
  const readers = new FakeReaders().give(OPERATOR, 'operator');
  const actuators = new Actuators({
    drivers: [ledDriver(settings, new TakenLeds(store))],
    policy: () => OPEN_POLICY,
    sysfs,
    clock,
    log: new RecordingLog(),
    wallMs: () => clock.wallMs(),
  });
  await actuators.discover();
  const put = (id: string, value: unknown) => actuators.command(id, { value }, readers.at(OPERATOR), 'http');
  const is = async (name: string) => ({
    brightness: (await sysfs.read(`${LEDS}/${name}/brightness`))?.trim(),
    trigger: /\[(.*)\]/.exec((await sysfs.read(`${LEDS}/${name}/trigger`)) ?? '')?.[1],
  });
  return { sysfs, store, clock, readers, actuators, put, is };
}

describe('led driver', () => {
  it('finds the LEDs that the kernel shows, and leaves them to it', async () => {
    const { actuators, sysfs, store } = await setUp();
    expect(actuators.states()).toMatchObject([
      { id: 'led-act', title: 'LED ACT', kind: 'boolean', value: false, safeState: null, holdSeconds: 60 },
      { id: 'led-beaglebone-green-usr0', kind: 'integer', minimum: 0, maximum: 255, value: 40 },
    ]);
    expect(sysfs.written).toEqual([]);
    expect(await store.list('')).toEqual([]);
  });

  it('takes an LED from its trigger while it is set, and gives it back in the end', async () => {
    const { actuators, put, is, store } = await setUp();
    expect(await put('led-act', true)).toMatchObject({ result: 'done' });
    expect(await is('ACT')).toEqual({ brightness: '1', trigger: 'none' });
    expect(await store.list('')).toEqual(['leds.json']);
    await actuators.stop();
    expect((await is('ACT')).trigger).toBe('mmc0');
    expect(await store.list('')).toEqual([]);
  });

  it('gives it back when who set it was lost, and writes to the disk once for any number of commands', async () => {
    const { put, is, clock, readers, store } = await setUp();
    for (let round = 0; round < 3; round++) {
      readers.away.delete(OPERATOR);
      await put('led-act', true);
      readers.away.add(OPERATOR);
      await clock.advance(62_000);
      expect((await is('ACT')).trigger).toBe('mmc0');
    }
    expect(store.changes).toEqual(['write leds.json']);
  });

  it('puts back the brightness of an LED without a trigger', async () => {
    const { actuators, put, is } = await setUp();
    await put('led-beaglebone-green-usr0', 255);
    expect(await is('beaglebone:green:usr0')).toEqual({ brightness: '255', trigger: 'none' });
    await actuators.stop();
    expect((await is('beaglebone:green:usr0')).brightness).toBe('40');
  });

  it('puts back after a crash what the earlier run had taken', async () => {
    const sysfs = pi();
    const before = await setUp(sysfs);
    await before.put('led-act', true);
    const after = await setUp(sysfs, [], before.store);
    expect((await after.is('ACT')).trigger).toBe('mmc0');
    expect(await after.store.list('')).toEqual([]);
  });

  it('keeps a declared LED at its safe brightness from the start on, also after the end', async () => {
    const sysfs = withLed(new FakeSysfs(), 'relay', 'none', 1, 1);
    const { actuators, put, is } = await setUp(sysfs, [{ name: 'relay', safeState: 0, holdSeconds: 5 }]);
    expect(await is('relay')).toEqual({ brightness: '0', trigger: 'none' });
    expect(actuators.state('led-relay')).toMatchObject({ value: false, safeState: false, holdSeconds: 5 });
    await put('led-relay', true);
    expect((await is('relay')).brightness).toBe('1');
    await actuators.stop();
    expect((await is('relay')).brightness).toBe('0');
  });

  it('says what fails, and does not lose the trigger', async () => {
    const { sysfs, put, actuators, is } = await setUp();
    sysfs.refuseWrites(`${LEDS}/ACT/brightness`, 'no-privilege');
    expect(await put('led-act', true)).toMatchObject({
      result: 'failed',
      sentence: expect.stringContaining('cannot write /sys/class/leds/ACT/brightness'),
    });
    await actuators.stop();
    expect((await is('ACT')).trigger).toBe('mmc0');
  });

  it.each(['{', '[]', '{"ACT":{"trigger":"a b","brightness":0}}', '{"ACT":7}'])(
    'takes a damaged note (%s) for none',
    async (text) => {
      const store = new MemoryFileStore();
      await store.write('leds.json', Buffer.from(text));
      const { put, is } = await setUp(pi(), [], store);
      expect((await put('led-act', true)).result).toBe('done');
      expect((await is('ACT')).brightness).toBe('1');
    },
  );
});
