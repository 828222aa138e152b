/**
 * The products of finished steps, each in a directory that is named after everything that went into it. A build that was
 * interrupted finds what it had finished; a half-made product has another name and is never taken for a whole one.
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

export interface Step {
  readonly name: string;
  /** Everything that the product depends on; equal inputs give equal products. */
  readonly inputs: readonly string[];
  /** Makes the product's files in `directory`. */
  make(directory: string): Promise<void>;
}

export interface StepResult {
  readonly directory: string;
  readonly key: string;
  readonly wasKept: boolean;
  readonly tookMs: number;
}

export class StepStore {
  readonly #directory: string;
  readonly #nowMs: () => number;

  constructor(directory: string, nowMs: () => number) {
    this.#directory = directory;
    this.#nowMs = nowMs;
  }

  /** The step's product, made now unless it is there. */
  async run(step: Step): Promise<StepResult> {
    const key = keyOf(step);
    const directory = join(this.#directory, `${step.name}-${key}`);
    const startedMs = this.#nowMs();
    if (await exists(directory)) return { directory, key, wasKept: true, tookMs: 0 };
    const unfinished = join(this.#directory, `.unfinished-${process.pid}-${step.name}`);
    try {
      await rm(unfinished, { recursive: true, force: true });
      await mkdir(unfinished, { recursive: true });
      await step.make(unfinished);
      await rename(unfinished, directory);
    } finally {
      await rm(unfinished, { recursive: true, force: true });
    }
    return { directory, key, wasKept: false, tookMs: this.#nowMs() - startedMs };
  }
}

/** A short name of the inputs. */
export function keyOf({ name, inputs }: Pick<Step, 'name' | 'inputs'>): string {
  const hash = createHash('sha256').update(name);
  for (const input of inputs) hash.update(`\0${input.length}\0${input}`);
  return hash.digest('hex').slice(0, 16);
}

async function exists(directory: string): Promise<boolean> {
  try {
    await readdir(directory);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
