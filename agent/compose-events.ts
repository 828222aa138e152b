/** The agent's happenings: what is logged from `info` up is also told to whoever follows `/v1/events`. */
import type { AgentEvent } from './ports/agent-control.ts';
import type { Clock } from './ports/clock.ts';
import type { Log, LogFields } from './ports/log.ts';

/** A Log that hands everything on, and tells its followers. */
export class EventRecorder implements Log {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #listeners = new Set<(event: AgentEvent) => void>();

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  debug(event: string, fields?: LogFields): void {
    this.#log.debug(event, fields);
  }

  info(event: string, fields?: LogFields): void {
    this.#log.info(event, fields);
    this.#record(event, fields);
  }

  warn(event: string, fields?: LogFields): void {
    this.#log.warn(event, fields);
    this.#record(event, fields);
  }

  error(event: string, fields?: LogFields): void {
    this.#log.error(event, fields);
    this.#record(event, fields);
  }

  /** Calls `listener` with everything from now on. Returns how to stop. */
  subscribe(listener: (event: AgentEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #record(name: string, fields: LogFields = {}): void {
    const present = Object.entries(fields).map(([key, value]) => [key, value ?? null]);
    const event: AgentEvent = { at: this.#clock.wallMs(), name, fields: Object.fromEntries(present) };
    for (const listener of this.#listeners) listener(event);
  }
}
