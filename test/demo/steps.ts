/** The steps of the demo: shows each one when it is done, with its time, and knows which one failed and why. */
import { EnvironmentFault, sentenceOf, TincanError } from '../../agent/errors.ts';
import type { LabProcess } from '../lab/lab-process.ts';
import type { DemoFailureReport } from './demo-report.ts';

/** Last lines shown of each process that a failed step has to do with. */
const SHOWN_LINES = 12;

/** A step of the demo failed; `report` is what `--json` prints. */
export class DemoFailure extends TincanError {
  override readonly name = 'DemoFailure';
  readonly report: DemoFailureReport;
  constructor(report: DemoFailureReport, options?: ErrorOptions) {
    super(`${report.step}: ${report.error}`, options);
    this.report = report;
  }
}

/** Where the steps are shown. */
export interface StepOutput {
  write(text: string): void;
  isTerminal: boolean;
}

export class Steps {
  readonly #output: StepOutput;
  readonly #startedAt = performance.now();
  /** Processes that have to live as long as the demo. */
  readonly #servants: LabProcess[] = [];
  #concerned: LabProcess[] = [];
  #current = 'Start';
  #silent = false;

  constructor(output: StepOutput) {
    this.#output = output;
  }

  get elapsedMs(): number {
    return performance.now() - this.#startedAt;
  }

  /** From now on a step fails as soon as this process ends; the current step has to do with it. */
  depend(servant: LabProcess): LabProcess {
    this.#servants.push(servant);
    this.#concerned.push(servant);
    return servant;
  }

  /** The current step has to do with these: their last lines are shown when it fails. */
  concerns(...processes: LabProcess[]): void {
    this.#concerned.push(...processes);
  }

  /** Shows nothing more: the demo was interrupted, and what fails now fails because of that. */
  silence(): void {
    this.#silent = true;
  }

  /** Runs one step; `work` returns what was done, in a few words. Throws DemoFailure. */
  async run(title: string, work: () => Promise<string>): Promise<void> {
    this.#current = title;
    this.#concerned = [];
    if (this.#output.isTerminal) this.#show(`\r    …    ${title}`);
    try {
      const outcome = await Promise.race([work(), this.#servantEnded()]);
      const clear = this.#output.isTerminal ? '\r\u001b[K' : '';
      this.#show(`${clear}${seconds(this.elapsedMs)} ✔ ${title}: ${outcome}\n`);
    } catch (error) {
      if (this.#output.isTerminal) this.#show('\r\u001b[K');
      throw this.failure(error);
    }
  }

  /** Something that happened within the current step. */
  note(text: string): void {
    const clear = this.#output.isTerminal ? '\r\u001b[K' : '';
    this.#show(`${clear}${seconds(this.elapsedMs)}   ${text}\n`);
  }

  /** The failure of the current step because of `error`. */
  failure(error: unknown): DemoFailure {
    if (error instanceof DemoFailure) return error;
    const log = this.#concerned.flatMap((servant) =>
      servant.lastLines(SHOWN_LINES).map((line) => `${servant.title}: ${line}`),
    );
    return new DemoFailure(
      { ok: false, step: this.#current, error: sentenceOf(error), log },
      { cause: error },
    );
  }

  async #servantEnded(): Promise<never> {
    const ended = await Promise.race(
      this.#servants.map(async (servant) => ({ servant, status: await servant.exited })),
    );
    const { servant, status } = ended;
    const how = status.signal ?? `exit ${status.code}`;
    this.#concerned = [servant];
    throw this.failure(new EnvironmentFault('servant-ended', `${servant.title} ended (${how}).`));
  }

  #show(text: string): void {
    if (!this.#silent) this.#output.write(text);
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2).padStart(6)} s`;
}
