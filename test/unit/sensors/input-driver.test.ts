import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { bitsIn } from '../../../sensors/drivers/input/input-devices.ts';
import { inputDriver } from '../../../sensors/drivers/input/input-driver.ts';
import { InputEventReader } from '../../../sensors/drivers/input/input-event.ts';
import type { Sensor, SensorValue } from '../../../sensors/sensor.ts';
import { eventBytes, FakeInputEvents } from '../../fakes/fake-input-events.ts';
import { FakeSysfs } from '../../fakes/fake-sysfs.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';
import { discover, NO_FACTS, readOnce } from './raspberry-pi.ts';

const BOARD = '/sys/devices/platform/button@17/input/input0';
const KEYBOARD = '/sys/devices/platform/soc/usb1/1-1/1-1:1.0/0003:046D:C31C.0001/input/input1';
const DOOR = '/dev/input/event0';

/** A button (code 116) and a switch (code 5) on the board's pins, and a USB keyboard. */
function tree(): FakeSysfs {
  return new FakeSysfs({
    [`${BOARD}/name`]: 'button@17\n',
    [`${BOARD}/capabilities/key`]: '10000000000000 0\n',
    [`${BOARD}/capabilities/sw`]: '20\n',
    [`${BOARD}/event0/dev`]: '13:64\n',
    '/sys/devices/platform/button@17/modalias': 'platform:gpio-keys\n',
    '/sys/bus/platform/drivers/gpio-keys/bind': '\n',
    [`${KEYBOARD}/name`]: 'Logitech USB Keyboard\n',
    [`${KEYBOARD}/capabilities/key`]: '1000000000007 ff9f207ac14057ff febeffdfffefffff fffffffffffffffe\n',
    [`${KEYBOARD}/event1/dev`]: '13:65\n',
  })
    .link('/sys/class/input/event0', `${BOARD}/event0`)
    .link(`${BOARD}/event0/device`, BOARD)
    .link(`${BOARD}/device`, '/sys/devices/platform/button@17')
    .link('/sys/devices/platform/button@17/driver', '/sys/bus/platform/drivers/gpio-keys')
    .link('/sys/class/input/event1', `${KEYBOARD}/event1`)
    .link(`${KEYBOARD}/event1/device`, KEYBOARD);
}

let input: FakeInputEvents;
let clock: ManualClock;
let sysfs: FakeSysfs;
let heard: [string, SensorValue][];

beforeEach(() => {
  input = new FakeInputEvents();
  clock = new ManualClock();
  sysfs = tree();
  heard = [];
});

async function watched(named: string[] = []): Promise<Map<string, Sensor>> {
  const sensors = await discover(inputDriver(named, input), sysfs, NO_FACTS, clock);
  for (const { id, watch } of sensors) watch?.((value) => heard.push([id, value]));
  await clock.settle();
  return new Map(sensors.map((sensor) => [sensor.id, sensor]));
}

describe('input driver', () => {
  it('finds what is wired to the board, and nobody’s keyboard', async () => {
    expect([...(await watched()).keys()]).toEqual([
      'input-button-17-key-116',
      'input-button-17-key-116-count',
      'input-button-17-switch-5',
      'input-button-17-switch-5-count',
    ]);
    expect([...input.open.keys()]).toEqual([DOOR]);
  });

  it('serves a device that the config names, bounded', async () => {
    const ids = [...(await watched(['Logitech USB Keyboard'])).keys()];
    expect(ids.filter((id) => id.startsWith('input-logitech'))).toHaveLength(64);
  });

  it('tells state and count, and a press between two reads too', async () => {
    const sensors = await watched();
    const key = sensors.get('input-button-17-key-116');
    expect(await readOnce(key)).toBe(0);
    input.send(DOOR, [1, 116, 1], [0, 0, 0], [1, 116, 2], [1, 116, 0], [0, 0, 0], [1, 116, 1], [1, 116, 0]);
    expect(heard).toEqual([]);
    await clock.advance(50);
    expect(heard).toContainEqual(['input-button-17-key-116-count', 2]);
    expect(await readOnce(key)).toBe(0);
  });

  it('knows a switch from its first move on', async () => {
    const sensors = await watched();
    await expect(readOnce(sensors.get('input-button-17-switch-5'))).rejects.toThrow('not moved');
    input.send(DOOR, [5, 5, 1]);
    expect(await readOnce(sensors.get('input-button-17-switch-5'))).toBe(1);
    expect(await readOnce(sensors.get('input-button-17-switch-5-count'))).toBe(1);
  });

  it('leaves out the rest of a report that the kernel could not keep', async () => {
    const sensors = await watched();
    input.send(DOOR, [0, 3, 0], [1, 116, 1], [0, 0, 0], [5, 5, 1]);
    expect(await readOnce(sensors.get('input-button-17-key-116-count'))).toBe(0);
    expect(await readOnce(sensors.get('input-button-17-switch-5-count'))).toBe(1);
  });

  it('says that a device is gone, and goes on when it is back under another number', async () => {
    const driver = inputDriver([], input);
    const [key, count] = await discover(driver, sysfs, NO_FACTS, clock);
    key?.watch?.(() => undefined);
    input.send(DOOR, [1, 116, 1], [1, 116, 0]);
    await clock.settle();
    input.send(DOOR, [1, 116, 1], [1, 116, 0]);
    input.unplug(DOOR);
    await expect(readOnce(key)).rejects.toThrow('cannot open /dev/input/event0');
    sysfs.remove('/sys/class/input/event0');
    sysfs.link('/sys/class/input/event7', `${BOARD}/event0`);
    await discover(driver, sysfs, NO_FACTS, clock);
    expect(await readOnce(key)).toBe(0);
    input.send('/dev/input/event7', [1, 116, 1]);
    expect(await readOnce(count)).toBe(3);
  });

  it('closes the device when nobody watches it any more', async () => {
    const sensors = await discover(inputDriver([], input), sysfs, NO_FACTS, clock);
    const ends = sensors.map(({ watch }) => watch?.(() => undefined));
    await clock.settle();
    expect(input.open.size).toBe(1);
    for (const end of ends) end?.();
    await clock.settle();
    expect(input.open.size).toBe(0);
    await expect(readOnce(sensors[0])).rejects.toThrow('nobody watches');
  });
});

describe('struct input_event', () => {
  it.each([4, 8] as const)('is read whole however the bytes come, with words of %i bytes', (wordBytes) => {
    const event = fc.record({
      type: fc.nat(65_535),
      code: fc.nat(65_535),
      value: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    });
    fc.assert(
      fc.property(fc.array(event), fc.array(fc.integer({ min: 1, max: 40 })), (events, cuts) => {
        const bytes = Buffer.concat(events.map((e) => eventBytes(e.type, e.code, e.value, wordBytes)));
        const reader = new InputEventReader(wordBytes, true);
        const read = [];
        let at = 0;
        for (const cut of [...cuts, bytes.length]) {
          read.push(...reader.take(bytes.subarray(at, at + cut)));
          at += cut;
        }
        expect(read).toEqual(events);
      }),
    );
  });
});

describe('capabilities', () => {
  it.each([
    ['0', 8, []],
    ['21', 8, [0, 5]],
    ['10000000000000 0', 8, [116]],
    ['100000 0 0 0', 4, [116]],
    ['garbage', 8, []],
  ] as const)('%j with words of %i bytes', (text, wordBytes, codes) => {
    expect(bitsIn(text, wordBytes)).toEqual(codes);
  });
});
