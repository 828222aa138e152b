/** What a person sees of a build: a line for each step with the time it took, and on a terminal what it does now. */
import type { CliIo } from '../../agent/cli/cli-io.ts';
import type { Clock } from '../../agent/ports/clock.ts';

const STEP_COLUMN = 24;
const LINE_COLUMNS = 100;

export class BuildProgress {
  readonly #io: CliIo;
  readonly #clock: Clock;
  #step = '';
  #startedMs = 0;

  constructor(io: CliIo, clock: Clock) {
    this.#io = io;
    this.#clock = clock;
  }

  /** For buildImage. */
  readonly handlers = {
    onStep: (name: string): void => {
      this.#step = name;
      this.#startedMs = this.#clock.monotonicMs();
      this.#show('');
    },
    onStepDone: (name: string, { wasKept, tookMs }: { wasKept: boolean; tookMs: number }): void => {
      const start = this.#io.isTerminal ? '\r\x1b[K' : '';
      this.#io.err(`${start}${name.padEnd(STEP_COLUMN)} ${wasKept ? 'kept' : durationText(tookMs)}\n`);
    },
    onLine: (line: string): void => this.#show(line),
  };

  #show(line: string): void {
    if (!this.#io.isTerminal) return;
    const elapsed = durationText(this.#clock.monotonicMs() - this.#startedMs);
    const text = `${this.#step.padEnd(STEP_COLUMN)} ${elapsed}  ${line.replace(/^I: /, '').replace(/[^\x20-\x7e]/g, '')}`;
    this.#io.err(`\r\x1b[K${text.slice(0, LINE_COLUMNS)}`);
  }
}

function durationText(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  return `${Math.floor(seconds / 60)} min ${String(Math.floor(seconds % 60)).padStart(2, '0')} s`;
}
