/**
 * One input device that is followed while somebody watches it: the state of each button and switch, and how often each
 * was used. Every event counts, but they are told at most every 50 ms.
 */
import { EnvironmentFault } from '../../../agent/errors.ts';
import type { Clock, Timer } from '../../../agent/ports/clock.ts';
import type { InputEvents } from '../../../agent/ports/input-events.ts';
import type { InputControl, InputDevice } from './input-devices.ts';
import { EV_KEY, EV_SYN, type InputEvent, InputEventReader, SYN_DROPPED, SYN_REPORT } from './input-event.ts';

const TELL_INTERVAL_MS = 50;

interface Control {
  /** Null: not known. */
  state: 0 | 1 | null;
  uses: number;
}

export class InputBoard {
  readonly #input: InputEvents;
  readonly #clock: Clock;
  readonly #controls = new Map<string, Control>();
  readonly #watchers = new Set<() => void>();
  #device: InputDevice;
  #following: Promise<{ close(): void }> | null = null;
  #telling: Timer | null = null;
  /** The kernel lost events: the rest of that report is not whole (Documentation/input/event-codes.rst). */
  #dropping = false;

  constructor(device: InputDevice, input: InputEvents, clock: Clock) {
    this.#device = device;
    this.#input = input;
    this.#clock = clock;
    for (const control of device.controls) {
      this.#controls.set(keyOf(control), { state: stateUnseen(control), uses: 0 });
    }
  }

  /** The same device found again: its number may have changed. */
  moveTo(device: InputDevice): void {
    if (device.path !== this.#device.path) this.#close();
    this.#device = device;
  }

  async state(control: InputControl): Promise<0 | 1> {
    await this.#open();
    const { state } = this.#of(control);
    if (state !== null) return state;
    throw new EnvironmentFault('no-data', 'the switch was not moved since the agent started', {
      retryable: true,
    });
  }

  async uses(control: InputControl): Promise<number> {
    await this.#open();
    return this.#of(control).uses;
  }

  /** What is known without asking. */
  known(control: InputControl): Readonly<Control> {
    return this.#of(control);
  }

  /** Calls `onChange` after events; the device is closed when the last watcher leaves. */
  watch(onChange: () => void): () => void {
    this.#watchers.add(onChange);
    // Events between two reads count from the first moment on; what is wrong is told by the read.
    this.#open().catch(() => undefined);
    return () => {
      this.#watchers.delete(onChange);
      if (this.#watchers.size === 0) this.#close();
    };
  }

  async #open(): Promise<void> {
    if (this.#watchers.size === 0) {
      throw new EnvironmentFault('not-open', 'the device is closed, because nobody watches it', {
        retryable: true,
      });
    }
    const { wordBytes, littleEndian } = this.#input;
    const reader = new InputEventReader(wordBytes, littleEndian);
    this.#following ??= this.#input.follow(
      this.#device.path,
      (bytes) => {
        for (const event of reader.take(bytes)) this.#take(event);
      },
      () => this.#close(),
    );
    const following = this.#following;
    try {
      await following;
    } catch (error) {
      if (this.#following === following) this.#following = null;
      throw error;
    }
  }

  #close(): void {
    this.#telling?.cancel();
    this.#telling = null;
    this.#dropping = false;
    this.#following?.then((open) => open.close()).catch(() => undefined);
    this.#following = null;
    // What happens while nobody looks is not known.
    for (const control of this.#device.controls) this.#of(control).state = stateUnseen(control);
  }

  #take({ type, code, value }: InputEvent): void {
    if (type === EV_SYN && code === SYN_DROPPED) this.#dropping = true;
    if (type === EV_SYN && code === SYN_REPORT) this.#dropping = false;
    const control = this.#controls.get(`${type} ${code}`);
    // 2 is a key that repeats while it is held.
    if (this.#dropping || !control || (value !== 0 && value !== 1) || value === control.state) return;
    control.state = value;
    if (type !== EV_KEY || value === 1) control.uses++;
    this.#telling ??= this.#clock.after(TELL_INTERVAL_MS, () => {
      this.#telling = null;
      for (const watcher of this.#watchers) watcher();
    });
  }

  #of(control: InputControl): Control {
    return this.#controls.get(keyOf(control)) ?? { state: null, uses: 0 };
  }
}

/** A button is up unless somebody holds it; a switch may stand either way. */
function stateUnseen({ type }: InputControl): 0 | null {
  return type === EV_KEY ? 0 : null;
}

function keyOf({ type, code }: InputControl): string {
  return `${type} ${code}`;
}
