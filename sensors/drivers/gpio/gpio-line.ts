/**
 * One input: its level, and how many edges there were. It is open while somebody watches it. Edges are counted one by
 * one, but told at most every 50 ms, so that a wire in the wind does not flood those who listen.
 */
import { EnvironmentFault } from '../../../agent/errors.ts';
import type { Clock, Timer } from '../../../agent/ports/clock.ts';
import type { GpioEdge, GpioInput, GpioInputs } from '../../../agent/ports/gpio.ts';

const TELL_INTERVAL_MS = 50;

export interface GpioLineOptions {
  inputs: GpioInputs;
  clock: Clock;
  edge: GpioEdge;
  debounceMs: number;
  /** The kernel's number of the line. */
  find: (signal: AbortSignal) => Promise<number>;
}

export class GpioLine {
  readonly #options: GpioLineOptions;
  readonly #watchers = new Set<() => void>();
  #input: Promise<GpioInput> | null = null;
  #level: 0 | 1 | null = null;
  #edges = 0;
  #telling: Timer | null = null;

  constructor(options: GpioLineOptions) {
    this.#options = options;
  }

  /** Since the line was first opened. */
  get edges(): number {
    return this.#edges;
  }

  /** The level after the last edge; null before the first read. */
  get level(): 0 | 1 | null {
    return this.#level;
  }

  /** Opens the line at the first call, and counts from then on. */
  async read(signal: AbortSignal): Promise<0 | 1> {
    if (this.#watchers.size === 0) {
      throw new EnvironmentFault('not-open', 'the line is closed, because nobody watches it', {
        retryable: true,
      });
    }
    this.#input ??= this.#open(signal);
    const opening = this.#input;
    try {
      const level = await (await opening).read();
      this.#level = level;
      return level;
    } catch (error) {
      // The next read tries to open it again.
      if (this.#input === opening) this.#close();
      throw error;
    }
  }

  /** Calls `onChange` after edges; the line closes when the last watcher leaves. */
  watch(onChange: () => void): () => void {
    this.#watchers.add(onChange);
    return () => {
      this.#watchers.delete(onChange);
      if (this.#watchers.size === 0) this.#close();
    };
  }

  async #open(signal: AbortSignal): Promise<GpioInput> {
    const { inputs, edge, debounceMs, find } = this.#options;
    return inputs.open(await find(signal), { edge, debounceMs, onEdge: (level) => this.#onEdge(level) });
  }

  #close(): void {
    this.#telling?.cancel();
    this.#telling = null;
    // Whoever waits for it is told that it failed; here it only has to be closed if it opened.
    this.#input?.then((input) => input.close()).catch(() => undefined);
    this.#input = null;
  }

  #onEdge(level: 0 | 1): void {
    // A pulse that was over before the line was quiet is no edge.
    if (this.#options.edge === 'both' && level === this.#level) return;
    this.#level = level;
    this.#edges++;
    this.#telling ??= this.#options.clock.after(TELL_INTERVAL_MS, () => {
      this.#telling = null;
      for (const watcher of this.#watchers) watcher();
    });
  }
}
