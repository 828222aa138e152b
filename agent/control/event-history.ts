/**
 * The newest events of the agent, numbered, for followers that come late or read slowly: each follower has a place in
 * this one bounded list instead of a queue of its own.
 */
import type { AgentControl, AgentEvent } from '../ports/agent-control.ts';

/** An event with the id under which a follower can resume after it. */
interface NumberedEvent {
  id: string;
  event: AgentEvent;
}

/** What a follower gets next: how many events it has lost because they are no longer kept, then those that are. */
export interface Batch {
  missed: number;
  events: NumberedEvent[];
  /** The place after these events. */
  position: number;
}

export class EventHistory {
  readonly #kept: AgentEvent[] = [];
  readonly #capacity: number;
  /** Ids of an earlier run of the agent mean nothing in this one, so ids bear the run. */
  readonly #run = crypto.randomUUID().slice(0, 8);
  readonly #wakeUps = new Set<() => void>();
  readonly #stopListening: () => void;
  #total = 0;

  constructor(control: AgentControl, capacity: number) {
    this.#capacity = capacity;
    this.#stopListening = control.subscribe((event) => this.#add(event));
  }

  /** The place after the event with this id; the oldest kept event's for an id of another run, or none. */
  positionAfter(id: string | undefined): number {
    const [run, number] = id?.split('-') ?? [];
    const position = Number(number);
    const known = run === this.#run && Number.isInteger(position) && position >= 0 && position <= this.#total;
    return known ? position : this.#oldest();
  }

  /** What happened since `position`; empty when nothing has. */
  since(position: number): Batch {
    const oldest = this.#oldest();
    const from = Math.max(position, oldest);
    const events = this.#kept
      .slice(from - oldest)
      .map((event, index) => ({ id: `${this.#run}-${from + index + 1}`, event }));
    return { missed: from - position, events, position: this.#total };
  }

  /** Resolves when something happens or the signal is aborted. */
  next(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wakeUp = (): void => {
        this.#wakeUps.delete(wakeUp);
        signal.removeEventListener('abort', wakeUp);
        resolve();
      };
      if (signal.aborted) return resolve();
      this.#wakeUps.add(wakeUp);
      signal.addEventListener('abort', wakeUp);
    });
  }

  /** Stops listening to the agent. */
  close(): void {
    this.#stopListening();
  }

  #oldest(): number {
    return this.#total - this.#kept.length;
  }

  #add(event: AgentEvent): void {
    this.#kept.push(event);
    this.#total += 1;
    if (this.#kept.length > this.#capacity) this.#kept.shift();
    for (const wakeUp of [...this.#wakeUps]) wakeUp();
  }
}
