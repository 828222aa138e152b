/**
 * The port of everything that measures. A driver is one folder in sensors/drivers/: it finds the sensors that the
 * kernel shows, and each sensor reads one value. Schedule, time limits, quality and serving are not a driver's concern.
 */
import type { BoardFacts } from '../agent/ports/board-facts.ts';
import type { Clock } from '../agent/ports/clock.ts';
import type { Sysfs } from '../agent/ports/sysfs.ts';

/** One thing that can be read over and over. */
export interface Sensor {
  /** Stable across boots, kebab-case (`cpu-temperature`): it stands in URLs. */
  readonly id: string;
  /** For people: `CPU temperature`. */
  readonly name: string;
  /** What is measured: `temperature`, `memory`, `network`. */
  readonly kind: string;
  /** Where the value is a number, its unit as registered for SenML (RFC 8428): `Cel`, `B`, `s`, `/` (ratio). */
  readonly unit: Unit | null;
  /** How often it is read. */
  readonly intervalMs: number;
  /** How long a read may take, where the usual 2 s are too short for it. Never longer than the interval. */
  readonly readLimitMs?: number;
  /** A change smaller than this is not told to listeners and not kept in the history; absent: every value is. */
  readonly deadband?: number;
  /** What node_exporter's metric of the same thing has, where it has one: `device`, `chip` and `sensor`, `zone` and `type`. */
  readonly labels?: Readonly<Record<string, string>>;
  /** One value now. Throws with one sentence; the sampler keeps the last value. May hang: the sampler has a limit. */
  read(signal: AbortSignal): Promise<SensorValue>;
  /** For a sensor that tells of changes by itself, between reads too; the result ends that. */
  readonly watch?: (onValue: (value: SensorValue) => void) => () => void;
}

export type SensorValue = number | string;

/** Codes that drivers use, of the IANA registry "SenML Units"; `rad/s`, which it lacks, is UCUM's. */
export type Unit =
  | ('/' | 'count' | 's' | 'm' | 'm/s' | 'm/s2' | 'rad' | 'rad/s' | 'Hz' | '1/min')
  | ('V' | 'A' | 'W' | 'J' | 'F' | 'Ohm' | 'S/m' | 'T')
  | ('Cel' | '%RH' | 'Pa' | 'lx' | 'pH' | 'kg/m3' | 'B');

/** Finds the sensors of one kind of source. */
export interface SensorDriver {
  /** Name of the driver's folder. */
  readonly kind: string;
  /** What has to be done before any driver looks for sensors, each time; a failure is logged, and changes nothing else. */
  readonly prepare?: (context: DiscoveryContext) => Promise<void>;
  /** The sensors that are there now; called again from time to time, and must give the same id to the same sensor. */
  discover(context: DiscoveryContext): Promise<Sensor[]>;
}

export interface DiscoveryContext {
  readonly sysfs: Sysfs;
  readonly facts: BoardFacts;
  readonly clock: Clock;
  /** How often a sensor that changes all the time is to be read. */
  readonly intervalMs: number;
  /** Aborts when discovery takes too long. */
  readonly signal: AbortSignal;
}
