/** An actuator in memory, which fails and hangs as hardware does. */
import type { Actuator, ActuatorDriver, ActuatorRange, ActuatorValue } from '../../sensors/actuator.ts';

export class ScriptedActuator implements Actuator {
  readonly id: string;
  readonly title: string;
  readonly range: ActuatorRange;
  readonly safeState: ActuatorValue;
  readonly holdMs: number;
  /** What the hardware is; an earlier run left it like this. */
  level: ActuatorValue;
  /** What was done with it, in order. */
  readonly done: string[] = [];
  problem: Error | null = null;
  hangs = false;

  constructor(id = 'output-pump', holdMs = 10_000, range: ActuatorRange = { kind: 'boolean' }) {
    this.id = id;
    this.title = id;
    this.holdMs = holdMs;
    this.range = range;
    this.safeState = range.kind === 'boolean' ? false : range.minimum;
    this.level = range.kind === 'boolean' ? true : range.maximum;
  }

  open = (): Promise<void> => this.#do('open', this.safeState);
  write = (value: ActuatorValue): Promise<void> => this.#do(`write ${value}`, value);
  makeSafe = (): Promise<void> => this.#do('safe', this.safeState);
  release = (): Promise<void> => this.#do('release', this.safeState);

  async read(): Promise<ActuatorValue> {
    return this.level;
  }

  async #do(what: string, value: ActuatorValue): Promise<void> {
    this.done.push(what);
    if (this.hangs) await new Promise(() => undefined);
    if (this.problem) throw this.problem;
    this.level = value;
  }
}

/** A driver that finds exactly these. */
export function driverOf(...actuators: Actuator[]): ActuatorDriver {
  return { kind: 'scripted', discover: async () => actuators };
}
