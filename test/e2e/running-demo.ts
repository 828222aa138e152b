/** The demo as a process of its own, as `npm run demo` starts it; dist/ has to be built (`npm test` does that). */
import { LabProcess } from '../lab/lab-process.ts';
import { repositoryPath } from '../lab/repository.ts';

const START_LIMIT_MS = 20_000;
const LAB_NAME = /\(lab (tincan-[0-9a-f]{8}),/;

export class RunningDemo {
  readonly process: LabProcess;
  readonly #shown: string[] = [];
  #onShown: () => void = () => undefined;

  constructor(...options: string[]) {
    const command = [process.execPath, repositoryPath('dist/demo.js'), '--json', ...options];
    this.process = new LabProcess('the demo', command, {
      onLine: (line, from) => {
        // With --json the steps go to stderr.
        if (from === 'stderr') this.#shown.push(line);
        this.#onShown();
      },
    });
  }

  /** Waits until the demo shows this text, and returns its lab's name. Throws when it ends before. */
  async until(text: string, limitMs = START_LIMIT_MS): Promise<string> {
    const shown = new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(this.#failure(`has not shown "${text}"`)), limitMs);
      this.#onShown = () => {
        if (!this.#shown.some((line) => line.includes(text))) return;
        clearTimeout(timer);
        resolve();
      };
      void this.process.exited.then(() => {
        clearTimeout(timer);
        reject(this.#failure(`ended before it showed "${text}"`));
      });
      this.#onShown();
    });
    await shown;
    return this.labName;
  }

  get labName(): string {
    const name = this.#shown.map((line) => LAB_NAME.exec(line)?.[1]).find(Boolean);
    if (!name) throw this.#failure('has not named its lab');
    return name;
  }

  /** The JSON object, which is the last line of stdout. */
  result(): unknown {
    const line = this.process.lastLines(200).findLast((one) => one.startsWith('{'));
    if (!line) throw this.#failure('printed no JSON');
    return JSON.parse(line);
  }

  #failure(what: string): Error {
    return new Error(`the demo ${what}; its last lines:\n${this.process.lastLines(20).join('\n')}`);
  }
}
