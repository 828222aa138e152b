/**
 * Which LEDs this node has taken, and what they were before: one small file beside the node's state. It is written when
 * an LED is taken for the first time after a start and when it is given back at the end, never in between.
 */
import * as v from 'valibot';
import type { FileStore } from '../../../agent/ports/file-store.ts';

const FILE = 'leds.json';

const LedBeforeSchema = v.strictObject({
  trigger: v.pipe(v.string(), v.regex(/^\S{1,64}$/)),
  brightness: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
});
const FileSchema = v.record(v.string(), LedBeforeSchema);

/** What an LED was before it was taken. */
export type LedBefore = v.InferOutput<typeof LedBeforeSchema>;

export class TakenLeds {
  readonly #store: FileStore;
  #leds: Promise<Map<string, LedBefore>> | null = null;
  #last: Promise<unknown> = Promise.resolve();

  constructor(store: FileStore) {
    this.#store = store;
  }

  async find(name: string): Promise<LedBefore | null> {
    return (await this.#all()).get(name) ?? null;
  }

  async note(name: string, before: LedBefore): Promise<void> {
    const leds = await this.#all();
    const known = leds.get(name);
    if (known?.trigger === before.trigger && known.brightness === before.brightness) return;
    leds.set(name, before);
    await this.#write(leds);
  }

  async forget(name: string): Promise<void> {
    const leds = await this.#all();
    if (leds.delete(name)) await this.#write(leds);
  }

  #all(): Promise<Map<string, LedBefore>> {
    this.#leds ??= this.#store.read(FILE).then((bytes) => new Map(Object.entries(recordIn(bytes))));
    return this.#leds;
  }

  #write(leds: Map<string, LedBefore>): Promise<void> {
    const write = async () => {
      const bytes = Buffer.from(`${JSON.stringify(Object.fromEntries(leds))}\n`);
      await (leds.size === 0 ? this.#store.remove(FILE) : this.#store.write(FILE, bytes));
    };
    const turn = this.#last.then(write);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}

/** A damaged file is no record: the LEDs stay as they are. */
function recordIn(bytes: Uint8Array | null): Record<string, LedBefore> {
  if (bytes === null) return {};
  try {
    return v.parse(FileSchema, JSON.parse(Buffer.from(bytes).toString('utf8')));
  } catch {
    return {};
  }
}
