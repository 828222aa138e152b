/**
 * One actuator under control: what it is, who set it, and when it has to go into its safe state. One operation at a
 * time, each with a limit, so that hardware that hangs holds up its own commands only.
 *
 *   command -> set -> [time over | controller lost for holdMs | release] -> safe state (tried again until it is there)
 */
import { EnvironmentFault, sentenceOf } from '../agent/errors.ts';
import type { Clock, Timer } from '../agent/ports/clock.ts';
import type { Log } from '../agent/ports/log.ts';
import type { Reader } from './access.ts';
import type { Actuator, ActuatorCause, ActuatorState, ActuatorValue } from './actuator.ts';
import { rfc3339 } from './reading.ts';
import { withTimeLimit } from './time-limit.ts';

/** A file in /sys takes microseconds; a chip on a slow bus some milliseconds. */
const OPERATION_LIMIT_MS = 2_000;
/** Commands that wait for hardware that hangs; more are refused at once. */
const MOST_WAITING = 8;

export interface ControlSurroundings {
  clock: Clock;
  log: Log;
  /** Wall clock, Unix milliseconds; null while the board's clock is not set. */
  wallMs: () => number | null;
  onChange: (state: ActuatorState) => void;
}

export class ControlledActuator {
  readonly actuator: Actuator;
  readonly #around: ControlSurroundings;
  #value: ActuatorValue | null = null;
  #cause: ActuatorCause = 'start';
  #controller: Reader | null = null;
  #sinceMs: number;
  #sinceWallMs: number | null;
  #problem: string | null = null;
  #isOpen = false;
  /** The safe state that could not be reached yet is owed for this reason. */
  #owed: ActuatorCause | null = null;
  #lostSinceMs: number | null = null;
  #untilMs: number | null = null;
  #untilTimer: Timer | null = null;
  /** Rises with each command, so that a decision about an earlier one does not undo a later one. */
  #commands = 0;
  #waiting = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(actuator: Actuator, around: ControlSurroundings) {
    this.actuator = actuator;
    this.#around = around;
    this.#sinceMs = around.clock.monotonicMs();
    this.#sinceWallMs = around.wallMs();
  }

  /** Something has to be watched: somebody controls it, or the safe state is owed. */
  get needsCheck(): boolean {
    return this.#controller !== null || this.#owed !== null;
  }

  get value(): ActuatorValue | null {
    return this.#value;
  }

  /** Brings it into its safe state after a start; what failed is tried again by the next call. Never throws. */
  async open(): Promise<void> {
    if (this.#isOpen) return;
    await this.#inTurn(async () => {
      if (!this.#isOpen) await this.#openNow();
    }).catch((error: unknown) => {
      this.#problem = sentenceOf(error);
    });
  }

  /** Throws with one sentence when the hardware did not take it. */
  async set(value: ActuatorValue, forMs: number | null, by: Reader): Promise<void> {
    if (this.#waiting >= MOST_WAITING) {
      throw new EnvironmentFault(
        'busy',
        `${this.actuator.id} still works on earlier commands: try again later`,
      );
    }
    await this.#inTurn(async () => {
      if (!this.#isOpen) await this.#openNow();
      this.#commands++;
      this.#untilTimer?.cancel();
      // Before it is tried: a write that fails or hangs may have had its effect all the same.
      this.#controller = by;
      this.#owed = null;
      this.#lostSinceMs = null;
      this.#limitTime(forMs);
      try {
        await this.#limited('write', (signal) => this.actuator.write(value, signal));
      } catch (error) {
        this.#problem = sentenceOf(error);
        this.#around.onChange(this.state());
        throw error;
      }
      this.#become(value, 'command');
    });
  }

  /** Looks whether whoever set it is still there; called once a second while `needsCheck`. */
  check(): void {
    if (this.#owed !== null) return void this.#goSafe(this.#owed);
    if (!this.#controller) return;
    const now = this.#around.clock.monotonicMs();
    if (this.#controller.isPresent()) this.#lostSinceMs = null;
    else this.#lostSinceMs ??= now;
    if (this.#lostSinceMs !== null && now - this.#lostSinceMs >= this.actuator.holdMs) {
      void this.#goSafe('controller-lost');
    }
  }

  /** Brings it into its safe state and gives it back. Never throws; false: it failed. */
  async release(): Promise<boolean> {
    this.#untilTimer?.cancel();
    this.#commands++;
    try {
      await this.#inTurn(() => this.#limited('release', (signal) => this.actuator.release(signal)));
      return true;
    } catch (error) {
      this.#report('stopping', sentenceOf(error));
      return false;
    } finally {
      this.#controller = null;
      this.#owed = null;
      this.#isOpen = false;
    }
  }

  state(): ActuatorState {
    const { id, title, range, safeState, holdMs } = this.actuator;
    const now = this.#around.clock.monotonicMs();
    return {
      id,
      title,
      ...range,
      value: this.#value,
      safeState,
      holdSeconds: holdMs / 1000,
      time: this.#sinceWallMs === null ? null : rfc3339(this.#sinceWallMs),
      ageMs: Math.round(now - this.#sinceMs),
      cause: this.#cause,
      setBy: this.#controller && { node: this.#controller.nodeId, name: this.#controller.name },
      remainingMs: this.#untilMs === null ? null : Math.max(0, Math.round(this.#untilMs - now)),
      problem: this.#problem,
    };
  }

  async #openNow(): Promise<void> {
    await this.#limited('safe state', (signal) => this.actuator.open(signal));
    const value = await this.#limited('read', (signal) => this.actuator.read(signal));
    this.#isOpen = true;
    this.#become(value, 'start');
  }

  #limitTime(forMs: number | null): void {
    const { clock } = this.#around;
    this.#untilMs = forMs === null ? null : clock.monotonicMs() + forMs;
    this.#untilTimer = forMs === null ? null : clock.after(forMs, () => void this.#goSafe('time-over'));
  }

  async #goSafe(cause: ActuatorCause): Promise<void> {
    if (this.#owed !== null && this.#waiting > 0) return;
    const isFirst = this.#owed === null;
    const commands = this.#commands;
    this.#owed = cause;
    try {
      await this.#inTurn(async () => {
        if (commands !== this.#commands) return;
        const from = this.#value;
        await this.#limited('safe state', (signal) => this.actuator.makeSafe(signal));
        this.#controller = null;
        this.#owed = null;
        this.#untilMs = null;
        this.#become(await this.#limited('read', (signal) => this.actuator.read(signal)), cause);
        this.#report(cause, null, from);
      });
    } catch (error) {
      this.#problem = sentenceOf(error);
      if (isFirst) this.#report(cause, this.#problem);
      this.#around.onChange(this.state());
    }
  }

  #report(cause: string, problem: string | null, from = this.#value): void {
    const { log } = this.#around;
    const fields = { actuator: this.actuator.id, cause, from, to: this.actuator.safeState };
    if (problem === null) log.info('actuator.safe', { ...fields, to: this.#value, result: 'done' });
    else log.error('actuator.not-safe', { ...fields, result: 'failed', problem });
  }

  #become(value: ActuatorValue, cause: ActuatorCause): void {
    this.#value = value;
    this.#cause = cause;
    this.#problem = null;
    this.#sinceMs = this.#around.clock.monotonicMs();
    this.#sinceWallMs = this.#around.wallMs();
    this.#around.onChange(this.state());
  }

  #limited<Result>(what: string, task: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    return withTimeLimit(this.#around.clock, OPERATION_LIMIT_MS, `${what} of ${this.actuator.id}`, task);
  }

  #inTurn(task: () => Promise<unknown>): Promise<unknown> {
    this.#waiting++;
    const turn = this.#last.then(task).finally(() => this.#waiting--);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}
