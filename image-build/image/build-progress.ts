/**
 * What a person sees of a build. On a terminal, one line says which step is at what, and for how long; it becomes the
 * step's own line when the step is done. Elsewhere, in a log, each step's begin, milestones and end are lines.
 */
import type { CliIo } from '../../agent/cli/cli-io.ts';
import type { Clock, Timer } from '../../agent/ports/clock.ts';

const STEP_COLUMN = 24;
const LOG_COLUMNS = 120;
/** What mmdebstrap writes before its own progress, and not before the words of what it runs. */
const MILESTONE = 'I: ';
/** Steps are silent for minutes: that time passes shows that they are at work. */
const TICK_MS = 1_000;
const CLEARED_LINE = '\r\x1b[K';

export class BuildProgress {
  readonly #io: CliIo;
  readonly #clock: Clock;
  #step = '';
  #said = '';
  #startedMs = 0;
  #tick: Timer | undefined;

  constructor(io: CliIo, clock: Clock) {
    this.#io = io;
    this.#clock = clock;
  }

  /** For buildImage. */
  readonly handlers = {
    onStep: (name: string): void => {
      this.#step = name;
      this.#said = '';
      this.#startedMs = this.#clock.monotonicMs();
      if (!this.#io.isTerminal) {
        this.#io.err(`${name.padEnd(STEP_COLUMN)} begins\n`);
        return;
      }
      this.#show();
      this.#tick ??= this.#clock.every(TICK_MS, () => this.#show());
    },
    onStepDone: (name: string, { wasKept, tookMs }: { wasKept: boolean; tookMs: number }): void => {
      this.end();
      this.#io.err(`${name.padEnd(STEP_COLUMN)} ${wasKept ? 'kept' : durationText(tookMs)}\n`);
    },
    onLine: (line: string): void => {
      const isMilestone = line.startsWith(MILESTONE);
      this.#said = line.slice(isMilestone ? MILESTONE.length : 0).replace(/[^\x20-\x7e]/g, '');
      if (this.#io.isTerminal) this.#show();
      else if (isMilestone) this.#io.err(`${this.#line(LOG_COLUMNS)}\n`);
    },
  };

  /** Takes the line of a step that did not come to its end away, so that what went wrong stands in its place. */
  end(): void {
    this.#tick?.cancel();
    this.#tick = undefined;
    if (this.#io.isTerminal) this.#io.err(CLEARED_LINE);
  }

  #show(): void {
    // The last column stays empty: a line that is full goes on in the next one, and cannot be replaced.
    this.#io.err(`${CLEARED_LINE}${this.#line(this.#io.size().columns - 1)}`);
  }

  #line(columns: number): string {
    const elapsed = durationText(this.#clock.monotonicMs() - this.#startedMs);
    return `${this.#step.padEnd(STEP_COLUMN)} ${elapsed}  ${this.#said}`.slice(0, Math.max(0, columns));
  }
}

function durationText(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  return `${Math.floor(seconds / 60)} min ${String(Math.floor(seconds % 60)).padStart(2, '0')} s`;
}
