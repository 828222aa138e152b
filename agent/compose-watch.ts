/**
 * Tells the service manager how the agent is. The sign of life is given for the whole: this code runs in JavaScript's
 * thread, and it gives none while the datapath's thread has not turned since the last one.
 */
import type { Clock, Timer } from './ports/clock.ts';
import type { Log } from './ports/log.ts';
import type { ServiceManager } from './ports/service-manager.ts';

/** A node that runs now, as far as its life is concerned. */
export interface WatchedNode {
  datapathTurns(): number;
}

export interface ServiceWatchParts {
  manager: ServiceManager;
  node(): WatchedNode | null;
  /** One line for people. */
  status(): string;
  clock: Clock;
  log: Log;
}

/** More often than the datapath turns by itself would be in vain (LONGEST_WAIT_MS in agent/native/loop.c). */
const SHORTEST_PERIOD_MS = 5_000;
const UNWATCHED_PERIOD_MS = 10_000;
/** Signs of life within the time that the manager waits. */
const SIGNS = 3;

export class ServiceWatch {
  readonly #parts: ServiceWatchParts;
  #timer: Timer | null = null;
  #node: WatchedNode | null = null;
  #turns = -1;
  #status = '';

  constructor(parts: ServiceWatchParts) {
    this.#parts = parts;
  }

  /** The agent is up: says so, and goes on to say that it is alive. */
  start(): void {
    const { manager, clock } = this.#parts;
    manager.ready();
    this.#look();
    const periodMs = Math.max(SHORTEST_PERIOD_MS, (manager.watchdogMs ?? 0) / SIGNS);
    this.#timer = clock.every(manager.watchdogMs === null ? UNWATCHED_PERIOD_MS : periodMs, () =>
      this.#look(),
    );
  }

  stop(): void {
    this.#timer?.cancel();
    this.#parts.manager.stopping();
  }

  #look(): void {
    const { manager, log } = this.#parts;
    const status = this.#parts.status();
    if (status !== this.#status) manager.status(status);
    this.#status = status;
    if (manager.watchdogMs === null) return;
    if (this.#hasTurned()) manager.alive();
    else log.error('datapath.stuck', { problem: 'its thread has not turned since the last look' });
  }

  /** Without a node there is no datapath that could be stuck; a new one counts from the start. */
  #hasTurned(): boolean {
    const node = this.#parts.node();
    const turns = node?.datapathTurns() ?? -1;
    const turned = node === null || node !== this.#node || turns !== this.#turns;
    this.#node = node;
    this.#turns = turns;
    return turned;
  }
}
