import { describe, expect, it } from 'vitest';
import { Actuators } from '../../../../sensors/actuators.ts';
import {
  type GpioOutputSetting,
  gpioOutputDriver,
} from '../../../../sensors/drivers/gpio-output/gpio-output-driver.ts';
import { FakeGpio } from '../../../fakes/fake-gpio.ts';
import { FakeReaders, OPEN_POLICY } from '../../../fakes/fake-readers.ts';
import { FakeSysfs } from '../../../fakes/fake-sysfs.ts';
import { ManualClock } from '../../../fakes/manual-clock.ts';
import { RecordingLog } from '../../../fakes/recording-log.ts';

const PUMP: GpioOutputSetting = {
  name: 'pump',
  line: 'GPIO17',
  activeLow: false,
  safeState: false,
  holdSeconds: 5,
};
const OPERATOR = '10.64.0.2';

function board(base: number, label: string): FakeSysfs {
  const chip = `/sys/class/gpio/gpiochip${base}`;
  return new FakeSysfs({ [`${chip}/label`]: label, [`${chip}/base`]: `${base}`, [`${chip}/ngpio`]: '54' });
}

async function setUp(sysfs: FakeSysfs, settings: GpioOutputSetting[], gpio = new FakeGpio()) {
  const clock = new ManualClock();
  const log = new RecordingLog();
  const drivers = [gpioOutputDriver(settings, gpio)];
  const wallMs = () => clock.wallMs();
  const actuators = new Actuators({ drivers, policy: () => OPEN_POLICY, sysfs, clock, log, wallMs });
  await actuators.discover();
  const readers = new FakeReaders().give(OPERATOR, 'operator');
  const put = (id: string, value: unknown) => actuators.command(id, { value }, readers.at(OPERATOR), 'http');
  return { gpio, clock, actuators, readers, put };
}

describe('gpio output driver', () => {
  it.each([
    ['a Pi 3', 0, 'pinctrl-bcm2835', 17],
    ['a Pi 4', 512, 'pinctrl-bcm2711', 529],
    ['a Pi 5', 571, 'pinctrl-rp1', 588],
  ])('drives the line of %s, safe from the first moment', async (_, base, label, line) => {
    const { gpio, put, actuators } = await setUp(board(base, label), [PUMP]);
    expect(gpio.driven).toEqual(new Map([[line, [0]]]));
    expect((await put('output-pump', true)).result).toBe('done');
    expect(gpio.driven.get(line)).toEqual([0, 1]);
    expect(actuators.state('output-pump')).toMatchObject({ title: 'pump (GPIO17)', value: true });
  });

  it.each([
    { activeLow: false, safeState: false, levels: [0, 1, 0] },
    { activeLow: false, safeState: true, levels: [1, 1, 1] },
    { activeLow: true, safeState: false, levels: [1, 0, 1] },
    { activeLow: true, safeState: true, levels: [0, 0, 0] },
  ])('knows which level is on: %j', async ({ levels, ...setting }) => {
    const { gpio, put, actuators } = await setUp(board(0, 'pinctrl-bcm2835'), [{ ...PUMP, ...setting }]);
    expect(actuators.state('output-pump')?.value).toBe(setting.safeState);
    await put('output-pump', true);
    expect(actuators.state('output-pump')?.value).toBe(true);
    await actuators.stop();
    expect(gpio.driven.get(17)).toEqual(levels);
    expect(gpio.outputs.size).toBe(0);
  });

  it('goes safe when its controller is lost', async () => {
    const { gpio, put, readers, clock } = await setUp(board(0, 'pinctrl-bcm2835'), [PUMP]);
    await put('output-pump', true);
    readers.away.add(OPERATOR);
    await clock.advance(7_000);
    expect(gpio.driven.get(17)).toEqual([0, 1, 0]);
  });

  it('can be taken up by the next config, in its safe state again', async () => {
    const gpio = new FakeGpio();
    const sysfs = board(0, 'pinctrl-bcm2835');
    const first = await setUp(sysfs, [PUMP], gpio);
    await first.put('output-pump', true);
    await first.actuators.stop();
    const second = await setUp(sysfs, [{ ...PUMP, name: 'valve' }], gpio);
    expect(second.actuators.state('output-valve')).toMatchObject({ value: false, problem: null });
    expect(gpio.driven.get(17)).toEqual([0, 1, 0, 0]);
  });

  it('says why a line cannot be driven, and tries again', async () => {
    const gpio = new FakeGpio();
    gpio.taken.add(17);
    const { actuators, put } = await setUp(board(0, 'pinctrl-bcm2835'), [PUMP], gpio);
    expect(actuators.state('output-pump')).toMatchObject({
      value: null,
      problem: 'cannot open GPIO line 17 (EBUSY)',
    });
    expect((await put('output-pump', true)).result).toBe('failed');
    gpio.taken.clear();
    expect((await put('output-pump', true)).result).toBe('done');
    expect(gpio.driven.get(17)).toEqual([0, 1]);
  });

  it('touches nothing on a board without the header', async () => {
    const { actuators, gpio } = await setUp(board(0, 'gpio-pch'), [PUMP]);
    expect(actuators.state('output-pump')?.problem).toContain('seen: gpio-pch');
    await actuators.stop();
    expect(gpio.driven.size).toBe(0);
  });
});
