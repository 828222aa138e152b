/**
 * One LED of the kernel, taken from its trigger while it is set. What it was before is noted outside the process first,
 * so that the start after a crash can give it back.
 */
import type { Sysfs } from '../../../agent/ports/sysfs.ts';
import { decimal, readPresent } from '../../kernel-text.ts';
import type { LedBefore, TakenLeds } from './taken-leds.ts';

const NO_TRIGGER = 'none';

export interface HeldLedOptions {
  name: string;
  /** Its folder in /sys. */
  directory: string;
  /** Brightness when nobody controls it; null: as it was before it was taken. */
  safe: number | null;
  sysfs: Sysfs;
  taken: TakenLeds;
}

export class HeldLed {
  readonly #options: HeldLedOptions;
  /** What it was before we took it; null: it is not ours now. */
  #before: LedBefore | null = null;

  constructor(options: HeldLedOptions) {
    this.#options = options;
  }

  async open(signal: AbortSignal): Promise<void> {
    const { taken, name } = this.#options;
    this.#before ??= await taken.find(name);
    await this.makeSafe(signal);
    if (this.#before === null) await taken.forget(name);
  }

  async brightness(signal: AbortSignal): Promise<number> {
    const file = this.#file('brightness');
    return decimal(await readPresent(this.#options.sysfs, file, signal), file);
  }

  async set(brightness: number, signal: AbortSignal): Promise<void> {
    await this.#take(signal);
    await this.#write('brightness', String(brightness), signal);
  }

  async makeSafe(signal: AbortSignal): Promise<void> {
    const { safe } = this.#options;
    if (safe === null) await this.#giveBack(signal);
    else await this.set(safe, signal);
  }

  /** Safe first; then the trigger, where there was one. */
  async release(signal: AbortSignal): Promise<void> {
    await this.makeSafe(signal);
    await this.#giveBack(signal);
    await this.#options.taken.forget(this.#options.name);
  }

  async #take(signal: AbortSignal): Promise<void> {
    const { sysfs, taken, name } = this.#options;
    if (this.#before) return;
    const trigger = presentTrigger((await sysfs.read(this.#file('trigger'), signal)) ?? NO_TRIGGER);
    // What a trigger makes of it at this moment is nothing to put back.
    const brightness = trigger === NO_TRIGGER ? await this.brightness(signal) : 0;
    const before = { trigger, brightness };
    await taken.note(name, before);
    this.#before = before;
    if (trigger !== NO_TRIGGER) await this.#write('trigger', NO_TRIGGER, signal);
  }

  async #giveBack(signal: AbortSignal): Promise<void> {
    const before = this.#before;
    if (!before) return;
    // Without a trigger nobody else drives it, so a declared safe state stays.
    if (before.trigger !== NO_TRIGGER) await this.#write('trigger', before.trigger, signal);
    else if (this.#options.safe === null) await this.#write('brightness', String(before.brightness), signal);
    this.#before = null;
  }

  #write(file: string, text: string, signal: AbortSignal): Promise<void> {
    return this.#options.sysfs.write(this.#file(file), text, signal);
  }

  #file(name: string): string {
    return `${this.#options.directory}/${name}`;
  }
}

/** The kernel lists all triggers, and the present one in brackets: `none [mmc0] timer`. */
function presentTrigger(text: string): string {
  return /\[([^\]]+)\]/.exec(text)?.[1] ?? (/^\S+$/.test(text) ? text : NO_TRIGGER);
}
