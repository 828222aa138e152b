/** The cases of the image test as they come, and what was measured: for people as lines and tables, for programs as one object. */

import { tableText } from '../../agent/cli/terminal-text.ts';
import { sentenceOf } from '../../agent/errors.ts';

export interface CaseResult {
  readonly name: string;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  readonly tookMs: number;
  /** What was seen, or why it failed or was skipped. */
  readonly text: string;
}

export interface CutResult {
  readonly trial: number;
  readonly during: 'first boot' | 'config change';
  /** When the plug was pulled, after power on or after the change. */
  readonly afterMs: number;
  readonly writes: number;
  readonly unflushed: number;
  readonly lost: number;
  readonly wasMember: boolean;
  readonly backAfterMs: number | null;
  readonly problem: string | null;
}

/** What a case throws that cannot be tried here, for a reason that is not the product's. */
export class Untried extends Error {}

export class ImageReport {
  readonly cases: CaseResult[] = [];
  readonly cuts: CutResult[] = [];
  readonly figures: Record<string, number | string> = {};
  readonly #write: (text: string) => void;
  readonly #startedAt = performance.now();

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  /** Runs one case; `work` says in a few words what it saw. Resolves with whether it passed. */
  async run(name: string, work: () => Promise<string>): Promise<boolean> {
    const from = performance.now();
    this.#write(`${this.#clock()} … ${name}\n`);
    try {
      const text = await work();
      this.#add({ name, outcome: 'passed', tookMs: performance.now() - from, text });
      return true;
    } catch (error) {
      const outcome = error instanceof Untried ? 'skipped' : 'failed';
      this.#add({ name, outcome, tookMs: performance.now() - from, text: sentenceOf(error) });
      return false;
    }
  }

  skip(name: string, why: string): void {
    this.#add({ name, outcome: 'skipped', tookMs: 0, text: why });
  }

  /** A figure that is printed at the end. */
  measured(name: string, value: number | string): void {
    this.figures[name] = value;
  }

  note(text: string): void {
    this.#write(`${this.#clock()}     ${text}\n`);
  }

  count(outcome: CaseResult['outcome']): number {
    return this.cases.filter((one) => one.outcome === outcome).length;
  }

  get lastLine(): string {
    return `${this.count('passed')} passed, ${this.count('failed')} failed, ${this.count('skipped')} skipped`;
  }

  tables(): string {
    const cases = this.cases.map(({ name, outcome, tookMs, text }) => [outcome, name, seconds(tookMs), text]);
    const cuts = this.cuts.map((cut) => [
      String(cut.trial),
      cut.during,
      seconds(cut.afterMs),
      `${cut.lost}/${cut.unflushed} of ${cut.writes}`,
      cut.wasMember ? 'yes' : 'no',
      cut.backAfterMs === null ? '-' : seconds(cut.backAfterMs),
      cut.problem ?? (cut.wasMember ? 'same identity' : 'enrolled'),
    ]);
    const figures = Object.entries(this.figures).map(([name, value]) => [name, String(value)]);
    return [
      tableText(['', 'case', 'took', 'seen'], cases, [2]),
      cuts.length === 0
        ? ''
        : tableText(
            ['cut', 'during', 'after', 'writes lost/unflushed', 'member', 'back', 'then'],
            cuts,
            [0, 2, 5],
          ),
      figures.length === 0 ? '' : tableText(['figure', 'value'], figures, []),
    ]
      .filter(Boolean)
      .join('\n');
  }

  #add(result: CaseResult): void {
    this.cases.push(result);
    const mark = { passed: '✔', failed: '✘', skipped: '–' }[result.outcome];
    this.#write(`${this.#clock()} ${mark} ${result.name} (${seconds(result.tookMs)}): ${result.text}\n`);
  }

  #clock(): string {
    return `${((performance.now() - this.#startedAt) / 1000).toFixed(0).padStart(5)} s`;
  }
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
