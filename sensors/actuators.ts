/**
 * The node's actuators. A command's way, whichever service it came through:
 *
 *   1. rate of this client       2. policy (access.ts)      3. is there such an actuator
 *   4. is it a command for it    5. set (controlled-actuator.ts)      6. the audit line, whatever became of it
 */
import { sentenceOf } from '../agent/errors.ts';
import type { Clock, Timer } from '../agent/ports/clock.ts';
import type { Log, LogFields } from '../agent/ports/log.ts';
import type { Sysfs } from '../agent/ports/sysfs.ts';
import { type AccessPolicy, decideAccess, type Reader } from './access.ts';
import type { ActuatorDriver, ActuatorPanel, ActuatorState, CommandOutcome } from './actuator.ts';
import { readCommand } from './actuator-command.ts';
import { ControlledActuator } from './controlled-actuator.ts';
import { RateLimit } from './rate-limit.ts';
import { withTimeLimit } from './time-limit.ts';

/** How soon a controller that left is noticed; nothing runs while nothing is set. */
const CHECK_INTERVAL_MS = 1_000;
const DISCOVERY_LIMIT_MS = 2_000;
/** A slider that is dragged makes some ten commands a second. Each is a line in the log, so this bounds the log too. */
const COMMAND_RATE = { perSecond: 10, burst: 20 };
/** Refusals for lack of rate share one line in so long. */
const THROTTLE_LOG_INTERVAL_MS = 60_000;
const SHOWN_CHARACTERS = 64;

export interface ActuatorsOptions {
  drivers: readonly ActuatorDriver[];
  /** As it is now. */
  policy: () => AccessPolicy;
  sysfs: Sysfs;
  clock: Clock;
  log: Log;
  /** Wall clock, Unix milliseconds; null while the board's clock is not set. */
  wallMs: () => number | null;
}

export class Actuators implements ActuatorPanel {
  readonly #options: ActuatorsOptions;
  readonly #byId = new Map<string, ControlledActuator>();
  readonly #listeners = new Set<(state: ActuatorState) => void>();
  readonly #rate: RateLimit;
  #checks: Timer | null = null;
  #throttled = 0;
  #throttleLoggedAtMs = Number.NEGATIVE_INFINITY;
  #stopped = false;

  constructor(options: ActuatorsOptions) {
    this.#options = options;
    this.#rate = new RateLimit(options.clock, COMMAND_RATE);
  }

  /** Finds them and brings each into its safe state. Called again, it finds what is new. Never throws. */
  async discover(): Promise<void> {
    await Promise.all(this.#options.drivers.map((driver) => this.#ask(driver)));
    await Promise.all([...this.#byId.values()].map((controlled) => controlled.open()));
  }

  /** Brings all into their safe states and gives them back; nothing is set any more. Idempotent. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#checks?.cancel();
    this.#checks = null;
    const controlled = [...this.#byId.values()];
    this.#byId.clear();
    await Promise.all(controlled.map((one) => one.release()));
  }

  states(): ActuatorState[] {
    return [...this.#byId.values()].map((controlled) => controlled.state());
  }

  state(id: string): ActuatorState | null {
    return this.#byId.get(id)?.state() ?? null;
  }

  onChange(listener: (state: ActuatorState) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async command(id: string, request: unknown, by: Reader | null, via: string): Promise<CommandOutcome> {
    const retryAfterMs = this.#rate.take(by?.nodeId ?? '');
    if (retryAfterMs > 0) {
      this.#throttle(by, via);
      return {
        result: 'too-often',
        sentence: `more than ${COMMAND_RATE.perSecond} commands a second: send fewer`,
        retryAfterMs,
      };
    }
    const from = this.#byId.get(id)?.value ?? null;
    const outcome = await this.#carryOut(id, request, by);
    this.#audit(id, request, from, by, via, outcome);
    return outcome;
  }

  async #carryOut(id: string, request: unknown, by: Reader | null): Promise<CommandOutcome> {
    const { policy } = this.#options;
    const decision = decideAccess(policy(), by, 'command');
    if (!decision.allowed || !by) {
      return { result: 'not-allowed', sentence: decision.allowed ? '' : decision.sentence };
    }
    const controlled = this.#stopped ? undefined : this.#byId.get(id);
    if (!controlled) {
      const sentence = `there is no actuator ${shortened(id)}: GET /actuators lists those there are`;
      return { result: 'no-such-actuator', sentence };
    }
    const command = readCommand(request, controlled.actuator);
    if (typeof command === 'string') return { result: 'bad-request', sentence: command };
    try {
      // Whoever may set it no more has no hold on it either.
      const isInControl = () => by.isPresent() && decideAccess(policy(), by, 'command').allowed;
      await controlled.set(command.value, command.forMs, { ...by, isPresent: isInControl });
      return { result: 'done', state: controlled.state() };
    } catch (error) {
      return { result: 'failed', sentence: `${id} could not be set: ${sentenceOf(error)}` };
    }
  }

  async #ask(driver: ActuatorDriver): Promise<void> {
    const { clock, log, sysfs } = this.#options;
    try {
      const found = await withTimeLimit(clock, DISCOVERY_LIMIT_MS, `driver ${driver.kind}`, (signal) =>
        driver.discover({ sysfs, clock, signal }),
      );
      for (const actuator of found) {
        if (this.#stopped || this.#byId.has(actuator.id)) continue;
        const around = { ...this.#options, onChange: (state: ActuatorState) => this.#changed(state) };
        this.#byId.set(actuator.id, new ControlledActuator(actuator, around));
      }
    } catch (error) {
      log.warn('actuators.discovery-failed', { driver: driver.kind, problem: sentenceOf(error) });
    }
  }

  #changed(state: ActuatorState): void {
    if (!this.#stopped) this.#checks ??= this.#options.clock.every(CHECK_INTERVAL_MS, () => this.#check());
    for (const listener of [...this.#listeners]) listener(state);
  }

  #check(): void {
    for (const controlled of this.#byId.values()) controlled.check();
    if ([...this.#byId.values()].some(({ needsCheck }) => needsCheck)) return;
    this.#checks?.cancel();
    this.#checks = null;
  }

  #audit(
    id: string,
    request: unknown,
    from: ActuatorState['value'],
    by: Reader | null,
    via: string,
    outcome: CommandOutcome,
  ): void {
    const fields: LogFields = {
      actuator: shortened(id),
      by: by?.nodeId ?? null,
      name: by?.name ?? null,
      via,
      from,
      to: shortened(JSON.stringify(valueIn(request)) ?? 'nothing'),
      result: outcome.result,
    };
    const { log } = this.#options;
    if (outcome.result === 'done') log.info('actuator.set', fields);
    else log.warn('actuator.refused', { ...fields, problem: outcome.sentence });
  }

  #throttle(by: Reader | null, via: string): void {
    this.#throttled++;
    const now = this.#options.clock.monotonicMs();
    if (now - this.#throttleLoggedAtMs < THROTTLE_LOG_INTERVAL_MS) return;
    this.#throttleLoggedAtMs = now;
    const fields = { by: by?.nodeId ?? null, name: by?.name ?? null, via, refused: this.#throttled };
    this.#options.log.warn('actuator.refused', { ...fields, result: 'too-often' });
  }
}

function valueIn(request: unknown): unknown {
  return typeof request === 'object' && request !== null && 'value' in request ? request.value : undefined;
}

function shortened(text: string): string {
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
}
