/**
 * The terminal while a command has all of it: the alternate screen, which gives the user's own text back afterwards,
 * whatever ends the command. Each frame is drawn whole over the last one, so a resized terminal is right a frame later.
 */
import type { CliIo } from './cli-io.ts';

/** Alternate screen, no cursor, no wrapping of lines (xterm's control sequences; every terminal emulator has them). */
const ENTER = '\u001b[?1049h\u001b[?25l\u001b[?7l';
const LEAVE = '\u001b[?7h\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const CLEAR_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';

export class TerminalScreen {
  readonly #io: CliIo;
  readonly #redraw: () => void;
  #open = false;

  /** `redraw`: the terminal is ours again after the command was suspended. */
  constructor(io: CliIo, redraw: () => void) {
    this.#io = io;
    this.#redraw = redraw;
  }

  readonly #leave = (): void => {
    if (this.#open) this.#io.out(LEAVE);
  };
  readonly #suspend = (): void => {
    this.#leave();
    process.kill(process.pid, 'SIGSTOP');
  };
  readonly #resume = (): void => {
    this.#io.out(ENTER);
    this.#redraw();
  };

  open(): void {
    this.#open = true;
    process.on('exit', this.#leave).on('SIGTSTP', this.#suspend).on('SIGCONT', this.#resume);
    this.#io.out(ENTER);
  }

  draw(lines: readonly string[]): void {
    const text = lines.map((line) => `${line}${CLEAR_LINE}`).join('\r\n');
    this.#io.out(`${HOME}${text}${CLEAR_BELOW}`);
  }

  close(): void {
    this.#leave();
    this.#open = false;
    process.off('exit', this.#leave).off('SIGTSTP', this.#suspend).off('SIGCONT', this.#resume);
  }
}
