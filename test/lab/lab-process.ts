/** A child process of a lab: its lines as they come, its last ones for a report, and how it ended. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { EnvironmentFault } from '../../agent/errors.ts';
import { labEnvironment } from './prerequisites.ts';

/** Enough to explain a failure; a chatty process must not fill the memory. */
const KEPT_LINES = 200;

export interface ExitStatus {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export type OutputName = 'stdout' | 'stderr';

export interface SpawnOptions {
  /** Every line of stdout and stderr, without its end. */
  onLine?: (line: string, from: OutputName) => void;
  cwd?: string;
}

export class LabProcess {
  readonly title: string;
  /** Resolves when the process has ended and everything that it printed was read; never rejects. */
  readonly exited: Promise<ExitStatus>;
  readonly #child: ChildProcess;
  readonly #lines: { line: string; from: OutputName }[] = [];
  readonly #listeners = new Set<(line: string, from: OutputName) => void>();

  /** `command` is the whole command, with what enters the namespace; `title` is what a reader calls it. */
  constructor(title: string, command: readonly string[], options: SpawnOptions = {}) {
    this.title = title;
    const [file = '', ...args] = command;
    this.#child = spawn(file, args, {
      cwd: options.cwd,
      env: labEnvironment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const from of ['stdout', 'stderr'] as const) {
      const stream = this.#child[from];
      if (!stream) continue;
      createInterface({ input: stream }).on('line', (line) => {
        this.#keep(line, from);
        options.onLine?.(line, from);
      });
    }
    this.exited = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => resolve({ code, signal }));
      this.#child.once('error', (error) => {
        this.#keep(error.message, 'stderr');
        resolve({ code: null, signal: null });
      });
    });
  }

  /** The process inside the namespace has this very number: what enters it replaces itself by exec. */
  get pid(): number {
    return this.#child.pid ?? -1;
  }

  lastLines(count: number): string[] {
    return this.#lines.slice(-count).map(({ line }) => line);
  }

  /** Resolves with the first line of stdout, past ones included, that `wanted` accepts; throws when none can come. */
  async waitForLine(what: string, timeoutMs: number, wanted: (line: string) => boolean): Promise<string> {
    const accepts = (line: string, from: OutputName): boolean => from === 'stdout' && wanted(line);
    const past = this.#lines.find(({ line, from }) => accepts(line, from));
    if (past) return past.line;
    let stopWaiting = (): void => undefined;
    const waiting = new Promise<string>((resolve, reject) => {
      const listener = (line: string, from: OutputName): void => {
        if (accepts(line, from)) resolve(line);
      };
      const fail = (why: string): void =>
        reject(new EnvironmentFault('no-line', `${this.title} ${why} without ${what}.`));
      const timer = setTimeout(() => fail(`ran for ${timeoutMs} ms`), timeoutMs);
      this.#listeners.add(listener);
      void this.exited.then(({ code, signal }) => fail(`ended (${signal ?? `exit ${code}`})`));
      stopWaiting = () => {
        clearTimeout(timer);
        this.#listeners.delete(listener);
      };
    });
    return waiting.finally(stopWaiting);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  #keep(line: string, from: OutputName): void {
    this.#lines.push({ line, from });
    if (this.#lines.length > KEPT_LINES) this.#lines.shift();
    for (const listener of this.#listeners) listener(line, from);
  }
}
