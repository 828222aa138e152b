/**
 * I2C chips that the kernel cannot find by itself: bound to their kernel drivers as the signed config says, before the
 * drivers for IIO and hwmon look for what they measure. Each has a sensor of its own, which says whether that worked.
 */
import { sentenceOf } from '../../../agent/errors.ts';
import type { FileStore } from '../../../agent/ports/file-store.ts';
import type { Log } from '../../../agent/ports/log.ts';
import type { DiscoveryContext, Sensor, SensorDriver } from '../../sensor.ts';
import { BoundChips } from './bound-chips.ts';
import { addressText, bind, driverOf, type I2cChip, placeOf, unbind } from './i2c-chip.ts';

export interface I2cSetting {
  bus: number;
  /** `0x76`. */
  address: string;
  driver: string;
}

export function i2cDriver(settings: readonly I2cSetting[], store: FileStore, log: Log): SensorDriver {
  const chips = settings.map(({ bus, address, driver }) => ({ bus, address: Number(address), driver }));
  const problems = new Map<I2cChip, unknown>();
  return {
    kind: 'i2c',
    async prepare({ sysfs, clock, signal }) {
      const bound = new BoundChips(store, sysfs, log);
      const before = await bound.read();
      const leaving = before.filter((old) => !chips.some((chip) => sameChip(chip, old)));
      for (const chip of leaving) {
        await unbind(chip, sysfs, signal);
        log.info('i2c.unbound', { chip: chip.driver, place: placeOf(chip) });
      }
      // Before it is done: what is interrupted after that is known to be ours.
      const present = await boundByOthers(chips, before, { sysfs, signal });
      await bound.write(chips.filter((chip) => !present.has(chip)));
      for (const chip of chips) {
        const problem = await bind(chip, sysfs, clock, signal).then(
          () => null,
          (error: unknown) => error,
        );
        if (problem !== null && !problems.has(chip)) {
          log.warn('i2c.not-bound', {
            chip: chip.driver,
            place: placeOf(chip),
            problem: sentenceOf(problem),
          });
        }
        if (problem === null) problems.delete(chip);
        else problems.set(chip, problem);
      }
    },
    async discover({ sysfs }) {
      return chips.map((chip): Sensor => {
        return {
          id: `i2c-${placeOf(chip)}`,
          name: `I2C chip ${chip.driver} at ${addressText(chip)} of bus ${chip.bus}`,
          kind: 'i2c',
          unit: null,
          intervalMs: 60_000,
          async read(signal) {
            const problem = problems.get(chip);
            if (problem !== undefined) throw problem;
            return driverOf(chip, sysfs, signal);
          },
        };
      });
    },
  };
}

/** Chips that were there before we bound anything: the device tree's, or an administrator's, and not ours to take away. */
async function boundByOthers(
  chips: readonly I2cChip[],
  ours: readonly I2cChip[],
  { sysfs, signal }: Pick<DiscoveryContext, 'sysfs' | 'signal'>,
): Promise<Set<I2cChip>> {
  const others = new Set<I2cChip>();
  for (const chip of chips) {
    if (ours.some((old) => sameChip(old, chip))) continue;
    if ((await sysfs.read(`/sys/bus/i2c/devices/${placeOf(chip)}/name`, signal)) !== null) others.add(chip);
  }
  return others;
}

function sameChip(one: I2cChip, other: I2cChip): boolean {
  return one.bus === other.bus && one.address === other.address && one.driver === other.driver;
}
