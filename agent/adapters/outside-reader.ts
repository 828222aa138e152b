/**
 * One small shell outside this process that reads and writes the kernel's files for it, one at a time. A chip that hangs
 * holds up whoever reads it inside the kernel: in here that would be one of libuv's four threads, which names and
 * ciphers need as well, and this process could not even end before the chip answers. Out there it is some 300 kB, and
 * a read costs half the CPU time that it does through the pool.
 */
import { type ChildProcess, spawn } from 'node:child_process';

/**
 * Three lines ask: verb, path, text. Answers: `=` and a line of the file, any number of times, then `+`; `-` where there
 * is no such file; `!` and the kernel's words. The shell's own `read` needs no process; only what fails is asked of
 * `cat` again, which says why.
 */
const SCRIPT = `
while IFS= read -r verb && IFS= read -r path && IFS= read -r text; do
  if [ ! -e "$path" ]; then echo -; continue; fi
  if [ "$verb" = write ]; then
    if words=$(printf '%s\\n' "$text" | tee "$path" 2>&1 >/dev/null); then echo +; else printf '!%s\\n' "\${words##*: }"; fi
    continue
  fi
  lines=0
  { while IFS= read -r line || [ -n "$line" ]; do lines=1; printf '=%s\\n' "$line"; done; } 2>/dev/null <"$path"
  if [ $lines = 0 ] && ! words=$(cat -- "$path" 2>&1 >/dev/null); then printf '!%s\\n' "\${words##*: }"; else echo +; fi
done`;

export type OutsideAnswer =
  | { kind: 'done'; text: string }
  | { kind: 'missing' }
  /** `words`: as strerror(3) has them. */
  | { kind: 'failed'; words: string };

export interface OutsideQuestion {
  verb: 'read' | 'write';
  path: string;
  text: string;
}

/** What hangs when this process ends is ended with it. */
const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export class OutsideReader {
  readonly #shell: ChildProcess;
  #answered: ((answer: OutsideAnswer) => void) | null = null;
  #text = '';
  #line = '';
  #gone = false;

  /** `onGone`: it has ended, which after `end` may take for as long as the kernel holds it. */
  constructor(onGone: () => void) {
    this.#shell = spawn('/bin/sh', ['-c', SCRIPT], {
      cwd: '/',
      env: { LC_ALL: 'C', PATH: '/usr/bin:/bin' },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    running.add(this.#shell);
    const gone = (words: string): void => {
      this.#gone = true;
      running.delete(this.#shell);
      this.#answer({ kind: 'failed', words });
      onGone();
    };
    this.#shell.once('error', (error) => gone(error.message));
    this.#shell.once('close', () => gone('the reader was ended'));
    this.#shell.stdin?.on('error', () => undefined);
    this.#shell.stdout?.setEncoding('utf8').on('data', (text: string) => this.#take(text));
    this.#hold(false);
  }

  /** Whether it has ended: it answers nothing any more. */
  get gone(): boolean {
    return this.#gone;
  }

  /** Asks one question; the next one only after its answer. Never throws. */
  ask({ verb, path, text }: OutsideQuestion): Promise<OutsideAnswer> {
    if (this.#gone) return Promise.resolve({ kind: 'failed', words: 'the reader has ended' });
    this.#hold(true);
    return new Promise((resolve) => {
      this.#answered = resolve;
      this.#shell.stdin?.write(`${verb}\n${path}\n${text}\n`);
    });
  }

  /** Gives it up, with what it hangs in. */
  end(): void {
    this.#shell.kill('SIGKILL');
    this.#hold(false);
  }

  #take(text: string): void {
    const lines = (this.#line + text).split('\n');
    this.#line = lines.pop() ?? '';
    for (const line of lines) {
      if (line.startsWith('=')) this.#text += `${line.slice(1)}\n`;
      else if (line === '+') this.#answer({ kind: 'done', text: this.#text });
      else if (line === '-') this.#answer({ kind: 'missing' });
      else this.#answer({ kind: 'failed', words: line.slice(1) });
    }
  }

  #answer(answer: OutsideAnswer): void {
    const answered = this.#answered;
    this.#answered = null;
    this.#text = '';
    this.#hold(false);
    answered?.(answer);
  }

  /** Whether this process stays alive for it. */
  #hold(alive: boolean): void {
    const { stdin, stdout } = this.#shell;
    for (const handle of [this.#shell, stdin, stdout]) {
      if (handle === null || !('ref' in handle) || !('unref' in handle)) continue;
      const change = alive ? handle.ref : handle.unref;
      if (typeof change === 'function') change.call(handle);
    }
  }
}
