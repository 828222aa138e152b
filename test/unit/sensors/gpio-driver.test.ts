import { describe, expect, it } from 'vitest';
import { type GpioSetting, gpioDriver } from '../../../sensors/drivers/gpio/gpio-driver.ts';
import { headerLine } from '../../../sensors/drivers/gpio/header-lines.ts';
import { Sampler } from '../../../sensors/sampler.ts';
import { withSamplingRules } from '../../../sensors/sampling-rules.ts';
import { FakeGpio } from '../../fakes/fake-gpio.ts';
import { FakeSysfs } from '../../fakes/fake-sysfs.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';
import { RecordingLog } from '../../fakes/recording-log.ts';
import { discover, NO_FACTS } from './raspberry-pi.ts';

const DOOR: GpioSetting = { name: 'door', line: 'GPIO17', edge: 'both', debounceMs: 20, counter: true };

interface Chip {
  label: string;
  base: number;
  ngpio: number;
}

function board(...chips: Chip[]): FakeSysfs {
  const sysfs = new FakeSysfs({ '/sys/class/gpio/export': '', '/sys/class/gpio/gpio529/value': '0' });
  for (const { label, base, ngpio } of chips) {
    const directory = `/sys/class/gpio/gpiochip${base}`;
    sysfs.put(`${directory}/label`, `${label}\n`);
    sysfs.put(`${directory}/base`, `${base}\n`).put(`${directory}/ngpio`, `${ngpio}\n`);
  }
  return sysfs;
}

const PI_3: Chip = { label: 'pinctrl-bcm2835', base: 0, ngpio: 54 };
const PI_4: Chip = { label: 'pinctrl-bcm2711', base: 512, ngpio: 58 };
const PI_5: Chip = { label: 'pinctrl-rp1', base: 571, ngpio: 54 };
const EXPANDER: Chip = { label: 'raspberrypi-exp-gpio', base: 504, ngpio: 8 };
const OTHER_OF_PI_5: Chip = { label: 'gpio-brcmstb@107d508500', base: 512, ngpio: 32 };

async function setUp(sysfs: FakeSysfs, settings: GpioSetting[] = [DOOR], windowMs?: number) {
  const clock = new ManualClock();
  const gpio = new FakeGpio();
  const options = { clock, log: new RecordingLog(), random: () => 0.5, clockSynchronised: () => true };
  const sampler = new Sampler(options);
  const rules = windowMs === undefined ? [] : [{ id: 'gpio-door', windowMs }];
  const [driver] = withSamplingRules([gpioDriver(settings, gpio)], rules, clock);
  const track = async () => {
    if (driver) await sampler.track(await discover(driver, sysfs, NO_FACTS, clock));
  };
  await track();
  const values = (id: string) => sampler.history.since(id, 3_600_000, 1_000).map(({ value }) => value);
  return { clock, gpio, sampler, track, values };
}

describe('gpio driver', () => {
  it.each([
    ['a Pi 3', [EXPANDER, PI_3], 17],
    ['a Pi 4', [EXPANDER, PI_4], 529],
    ['a Pi 5', [OTHER_OF_PI_5, PI_5], 588],
    [
      'a Pi 5 whose header comes first',
      [
        { ...PI_5, base: 0 },
        { ...OTHER_OF_PI_5, base: 54 },
      ],
      17,
    ],
    ['a Pi 3 with a newer kernel', [{ ...PI_3, base: 512 }], 529],
  ])('asks %s for the base of its header', async (_, chips, line) => {
    const { gpio } = await setUp(board(...chips));
    expect([...gpio.opened.keys()]).toEqual([line]);
    expect(gpio.opened.get(line)).toMatchObject({ edge: 'both', debounceMs: 20 });
  });

  it.each([
    ['GPIO0', 0],
    ['GPIO27', 27],
    ['pin 11', 17],
    ['pin 40', 21],
    ['pin 3', 2],
  ])('knows %s', (name, line) => {
    expect(headerLine(name)).toBe(line);
  });

  it.each(['pin 1', 'pin 6', 'GPIO28', 'pin 41', 'gpio17', '17'])('knows no line %s', (name) => {
    expect(() => headerLine(name)).toThrow(`${name} is no GPIO line of the 40-pin header`);
  });

  it('has all 28 lines at different pins', () => {
    const lines = Array.from({ length: 40 }, (_, n) => {
      try {
        return [headerLine(`pin ${n + 1}`)];
      } catch {
        return [];
      }
    }).flat();
    expect(lines.sort((a, b) => a - b)).toEqual(Array.from({ length: 28 }, (_, n) => n));
  });

  it.each([
    ['0000:00:0c.0:40', [{ label: '0000:00:0c.0', base: 512, ngpio: 192 }], 552],
    ['raspberrypi-exp-gpio:2', [PI_3, EXPANDER], 506],
  ])('knows %s by the label of its chip', async (line, chips, number) => {
    const { gpio } = await setUp(board(...chips), [{ ...DOOR, line }]);
    expect([...gpio.opened.keys()]).toEqual([number]);
  });

  it.each(['raspberrypi-exp-gpio:8', 'pl061:0', 'pl061:99999999999999999999'])(
    'says what it saw where there is no line %s',
    async (line) => {
      const { sampler } = await setUp(board(EXPANDER), [{ ...DOOR, line }]);
      expect(sampler.reading('gpio-door')?.reason).toContain(
        `has a line ${line} (seen: raspberrypi-exp-gpio)`,
      );
    },
  );

  it('says what it saw on a board without such a header', async () => {
    const { sampler } = await setUp(board(EXPANDER));
    expect(sampler.reading('gpio-door')).toMatchObject({ quality: 'error', value: null });
    expect(sampler.reading('gpio-door')?.reason).toContain('(seen: raspberrypi-exp-gpio)');
  });

  it('tells the level at once after an edge, and counts', async () => {
    const { clock, gpio, sampler, values } = await setUp(board(PI_4));
    expect(sampler.reading('gpio-door')).toMatchObject({ value: 0, unit: '/', quality: 'ok' });
    gpio.set(529, 1);
    await clock.advance(50);
    expect(sampler.reading('gpio-door')).toMatchObject({ value: 1, ageMs: 0 });
    expect(sampler.reading('gpio-door-count')).toMatchObject({ value: 1, unit: 'count' });
    expect(values('gpio-door')).toEqual([0, 1]);
  });

  it('counts every edge of a wire in the wind, and tells of it twenty times a second at most', async () => {
    const { clock, gpio, sampler, values } = await setUp(board(PI_4));
    for (let n = 0; n < 1_000; n++) {
      gpio.set(529, n % 2 === 0 ? 1 : 0);
      await clock.advance(1);
    }
    await clock.advance(50);
    expect(sampler.reading('gpio-door-count')?.value).toBe(1_000);
    expect(values('gpio-door-count').length).toBeLessThanOrEqual(22);
  });

  it('takes a pulse that debouncing swallowed for no edge', async () => {
    const { clock, gpio, sampler } = await setUp(board(PI_4));
    gpio.set(529, 0);
    await clock.advance(50);
    expect(sampler.reading('gpio-door-count')?.value).toBe(0);
  });

  it('counts the rising edges only, where those are asked for', async () => {
    const { clock, gpio, sampler } = await setUp(board(PI_4), [{ ...DOOR, edge: 'rising' }]);
    for (const level of [1, 0, 1, 0, 1] as const) gpio.set(529, level);
    await clock.advance(50);
    expect(sampler.reading('gpio-door-count')?.value).toBe(3);
  });

  it('keeps line and count when sensors are looked for again, and closes the line in the end', async () => {
    const { clock, gpio, sampler, track } = await setUp(board(PI_4), [DOOR], 10_000);
    gpio.set(529, 1);
    await clock.advance(100);
    await track();
    gpio.set(529, 0);
    await clock.advance(100);
    expect(sampler.reading('gpio-door-count')?.value).toBe(2);
    expect(sampler.reading('gpio-door-max')?.value).toBe(0);
    await clock.advance(10_000);
    expect(sampler.reading('gpio-door-max')?.value).toBe(1);
    sampler.stop();
    await clock.settle();
    expect(gpio.opened.size).toBe(0);
    expect(clock.pending()).toBe(0);
  });

  it('says that another program holds the line, and opens it once that has gone', async () => {
    const sysfs = board(PI_4);
    const { clock, gpio, sampler } = await setUp(sysfs, []);
    gpio.taken.add(529);
    await sampler.track(await discover(gpioDriver([DOOR], gpio), sysfs, NO_FACTS, clock));
    expect(sampler.reading('gpio-door')?.reason).toBe('cannot open GPIO line 529 (EBUSY)');
    gpio.taken.clear();
    await clock.advance(5_000);
    expect(sampler.reading('gpio-door')).toMatchObject({ value: 0, quality: 'ok', reason: null });
  });

  it('gives a line that is named twice to one of the two', async () => {
    const { sampler } = await setUp(board(PI_4), [DOOR, { ...DOOR, name: 'gate', line: 'pin 11' }]);
    expect(sampler.reading('gpio-door')?.quality).toBe('ok');
    expect(sampler.reading('gpio-gate')?.reason).toContain('EBUSY');
  });
});
