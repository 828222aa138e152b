/**
 * The port of everything that can be set. A driver is one folder in sensors/drivers/: it finds actuators, and each of
 * them takes one value. Who may set it, for how long, its safe state's moment, audit and serving are not its concern.
 */
import type { Clock } from '../agent/ports/clock.ts';
import type { Sysfs } from '../agent/ports/sysfs.ts';
import type { Reader } from './access.ts';

export type ActuatorValue = boolean | number;

/** The values that it takes; both bounds are within. */
export type ActuatorRange =
  | { readonly kind: 'boolean' }
  | { readonly kind: 'integer'; readonly minimum: number; readonly maximum: number };

/** One thing that can be set over and over. Every method may hang or throw one sentence: its caller has a limit. */
export interface Actuator {
  /** Stable across boots, kebab-case (`output-pump`): it stands in URLs, and no sensor has it. */
  readonly id: string;
  /** For people: `pump (GPIO17)`. */
  readonly title: string;
  readonly range: ActuatorRange;
  /** What it is when nobody controls it; null: whatever the kernel makes of it (an LED's trigger). */
  readonly safeState: ActuatorValue | null;
  /** How long it may stay set while the member who set it cannot be reached. */
  readonly holdMs: number;
  /** Brings it into its safe state, whatever an earlier run left there. Called before anything else, and again if it failed. */
  open(signal: AbortSignal): Promise<void>;
  /** What it is now. */
  read(signal: AbortSignal): Promise<ActuatorValue>;
  write(value: ActuatorValue, signal: AbortSignal): Promise<void>;
  /** Brings it into its safe state. */
  makeSafe(signal: AbortSignal): Promise<void>;
  /** Brings it into its safe state, and gives back what was taken. `open` may follow. */
  release(signal: AbortSignal): Promise<void>;
}

/** Finds the actuators of one kind. */
export interface ActuatorDriver {
  /** Name of the driver's folder. */
  readonly kind: string;
  discover(context: ActuatorContext): Promise<Actuator[]>;
}

export interface ActuatorContext {
  readonly sysfs: Sysfs;
  readonly clock: Clock;
  /** Aborts when discovery takes too long. */
  readonly signal: AbortSignal;
}

/** Why an actuator has the value that it has. */
export type ActuatorCause = 'start' | 'command' | 'time-over' | 'controller-lost';

/** An actuator as every service shows it. */
export interface ActuatorState {
  id: string;
  title: string;
  kind: ActuatorRange['kind'];
  /** Of kind `integer` only. */
  minimum?: number;
  maximum?: number;
  /** Null: it was never read. */
  value: ActuatorValue | null;
  safeState: ActuatorValue | null;
  holdSeconds: number;
  /** When it got this value (RFC 3339); null while the board's clock is not set. */
  time: string | null;
  ageMs: number;
  cause: ActuatorCause;
  /** Who set it last; null since it went into its safe state by itself. */
  setBy: { node: string; name: string } | null;
  /** After so long it goes into its safe state; null: not by time. */
  remainingMs: number | null;
  /** Why its value is not certain, in one sentence. */
  problem: string | null;
}

/** What came of a command; `sentence` is for the client. */
export type CommandOutcome =
  | { readonly result: 'done'; readonly state: ActuatorState }
  | { readonly result: 'not-allowed'; readonly sentence: string }
  | { readonly result: 'bad-request' | 'no-such-actuator' | 'failed'; readonly sentence: string }
  | { readonly result: 'too-often'; readonly sentence: string; readonly retryAfterMs: number };

/** What the services need of the actuators. */
export interface ActuatorPanel {
  states(): ActuatorState[];
  /** Null: there is no such actuator. */
  state(id: string): ActuatorState | null;
  /**
   * Checks policy, rate and request, sets the actuator, and writes the audit line; never throws.
   * `request`: `{"value": …, "for": seconds}` as it came; `via`: the service, such as `http`.
   */
  command(id: string, request: unknown, by: Reader | null, via: string): Promise<CommandOutcome>;
  /** Tells of each change from now on. Returns how to stop. */
  onChange(listener: (state: ActuatorState) => void): () => void;
}
