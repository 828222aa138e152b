/** Which sensors there are: asks every driver, and makes one list with unique ids of what they found. */
import { sentenceOf } from '../agent/errors.ts';
import type { BoardFacts } from '../agent/ports/board-facts.ts';
import type { Clock } from '../agent/ports/clock.ts';
import type { Log } from '../agent/ports/log.ts';
import type { Sysfs } from '../agent/ports/sysfs.ts';
import type { DiscoveryContext, Sensor, SensorDriver } from './sensor.ts';
import { withTimeLimit } from './time-limit.ts';

/** Discovery reads a few dozen small files; what takes longer hangs on a bus. */
const DISCOVERY_LIMIT_MS = 2_000;

export interface CatalogOptions {
  drivers: readonly SensorDriver[];
  sysfs: Sysfs;
  facts: BoardFacts;
  clock: Clock;
  log: Log;
  /** How often a sensor that changes all the time is to be read. */
  intervalMs: number;
}

export class SensorCatalog {
  readonly #options: CatalogOptions;
  /** What each driver found last. */
  readonly #found = new Map<SensorDriver, Sensor[]>();

  constructor(options: CatalogOptions) {
    this.#options = options;
  }

  /** All sensors there are now. A driver that fails or hangs delays no other, and keeps what it found before. */
  async discover(): Promise<Sensor[]> {
    const { drivers } = this.#options;
    await Promise.all(
      drivers.map((driver) => this.#within(driver, async (context) => driver.prepare?.(context))),
    );
    await Promise.all(drivers.map((driver) => this.#ask(driver)));
    const taken = new Set<string>();
    return this.#options.drivers
      .flatMap((driver) => this.#found.get(driver) ?? [])
      .map((sensor) => this.#unique(sensor, taken));
  }

  async #ask(driver: SensorDriver): Promise<void> {
    const sensors = await this.#within(driver, (context) => driver.discover(context));
    if (sensors) this.#found.set(driver, sensors);
  }

  /** Null where it failed or took too long. */
  async #within<Result>(
    driver: SensorDriver,
    task: (context: DiscoveryContext) => Promise<Result>,
  ): Promise<Result | null> {
    const { clock, log, sysfs, facts, intervalMs } = this.#options;
    try {
      return await withTimeLimit(clock, DISCOVERY_LIMIT_MS, `driver ${driver.kind}`, (signal) =>
        task({ sysfs, facts, clock, intervalMs, signal }),
      );
    } catch (error) {
      log.warn('sensors.discovery-failed', { driver: driver.kind, problem: sentenceOf(error) });
      return null;
    }
  }

  /** Two sensors of one id would hide each other: the later one gets a number. */
  #unique(sensor: Sensor, taken: Set<string>): Sensor {
    let id = sensor.id;
    for (let number = 2; taken.has(id); number++) id = `${sensor.id}-${number}`;
    taken.add(id);
    if (id === sensor.id) return sensor;
    return { ...sensor, id, read: (signal) => sensor.read(signal) };
  }
}
