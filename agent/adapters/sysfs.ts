/**
 * The kernel's text files from the real /sys and /proc. /proc is read synchronously: it answers from memory in about
 * 10 µs, and a trip through libuv's thread pool costs twenty times that in CPU. /sys may ask a chip on a slow bus, so
 * it goes through the pool, in lanes: the slow 1-wire bus, where a reading takes up to a second, has one of its own and
 * delays nobody else, and so have the LEDs, whose safe state must not wait for a chip that hangs. One thread of the pool
 * is always left to the agent's own files, and to an LED.
 */
import { constants, readFileSync } from 'node:fs';
import { open, readdir, readFile, realpath, statfs } from 'node:fs/promises';
import { EnvironmentFault } from '../errors.ts';
import type { FileSystemSize, Sysfs } from '../ports/sysfs.ts';

/** Of libuv's four threads; with the slow lane's one, chips that hang for ever leave one to the agent's own files. */
const READS_AT_ONCE = 2;
/** The bus has one wire: a second read would only wait in the kernel. */
const SLOW_READS_AT_ONCE = 1;
const SLOW_BUS = '/sys/bus/w1/';
const LEDS = '/sys/class/leds/';
const LEDS_AT_ONCE = 1;
const MISSING = new Set(['ENOENT', 'ENOTDIR']);
const FAULT_CODES: Readonly<Record<string, string>> = {
  ENODATA: 'no-data',
  ENODEV: 'device-gone',
  ENXIO: 'device-gone',
  EACCES: 'no-privilege',
  EPERM: 'no-privilege',
};
const ADVICE: Readonly<Record<string, string>> = {
  'no-data': 'the chip is switched off or has not measured yet',
  'device-gone': 'the device behind it was removed',
  'no-privilege': 'the agent has no right to read it',
  'read-failed': 'check the wiring and the kernel log of that device',
  'write-failed': 'check the kernel log of that device',
};
const NUL_OR_SPACE_AROUND = /^[\s\0]+|[\s\0]+$/g;

/** Reads the kernel's files below `root`, which is empty except in tests. */
export class LinuxSysfs implements Sysfs {
  readonly #root: string;
  readonly #turns = new Turns(READS_AT_ONCE);
  readonly #slowTurns = new Turns(SLOW_READS_AT_ONCE);
  readonly #ledTurns = new Turns(LEDS_AT_ONCE);

  constructor(root = '') {
    this.#root = root;
  }

  async read(path: string, signal?: AbortSignal): Promise<string | null> {
    const text = await orMissing(path, null, () =>
      path.startsWith('/proc/')
        ? readFileSync(this.#root + path, 'utf8')
        : this.#laneOf(path).run(() => readFile(this.#root + path, 'utf8'), signal),
    );
    return text?.replace(NUL_OR_SPACE_AROUND, '') ?? null;
  }

  async write(path: string, text: string, signal?: AbortSignal): Promise<void> {
    try {
      await this.#laneOf(path).run(() => overwrite(this.#root + path, text), signal);
    } catch (error) {
      throw faultOf(path, error, 'write');
    }
  }

  async list(directory: string): Promise<string[]> {
    const names = await orMissing(directory, [], () => readdir(this.#root + directory));
    return names.sort((left, right) => left.localeCompare(right, 'en', { numeric: true }));
  }

  async resolve(path: string): Promise<string | null> {
    return orMissing(path, null, async () => {
      const [root, real] = await Promise.all([realpath(this.#root || '/'), realpath(this.#root + path)]);
      return root === '/' ? real : real.slice(root.length);
    });
  }

  async fileSystem(path: string): Promise<FileSystemSize> {
    try {
      const { bsize, blocks, bavail } = await statfs(this.#root + path);
      return { totalBytes: bsize * blocks, freeBytes: bsize * bavail };
    } catch (error) {
      throw faultOf(path, error);
    }
  }

  #laneOf(path: string): Turns {
    if (path.startsWith(LEDS)) return this.#ledTurns;
    return path.startsWith(SLOW_BUS) ? this.#slowTurns : this.#turns;
  }
}

async function overwrite(path: string, text: string): Promise<void> {
  const file = await open(path, constants.O_WRONLY);
  try {
    await file.write(text);
  } finally {
    await file.close();
  }
}

/** Lets a bounded number of tasks run at once; the others wait in order, each for as long as its signal allows. */
class Turns {
  #free: number;
  readonly #waiting = new Set<() => void>();

  constructor(atOnce: number) {
    this.#free = atOnce;
  }

  async run<Result>(task: () => Promise<Result>, signal?: AbortSignal): Promise<Result> {
    signal?.throwIfAborted();
    if (this.#free > 0) this.#free--;
    else await this.#turn(signal);
    try {
      return await task();
    } finally {
      this.#pass();
    }
  }

  #turn(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = () => {
        this.#waiting.delete(take);
        reject(signal?.reason);
      };
      const take = () => {
        signal?.removeEventListener('abort', abort);
        resolve();
      };
      this.#waiting.add(take);
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  #pass(): void {
    const [next] = this.#waiting;
    if (!next) {
      this.#free++;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}

async function orMissing<Value>(
  path: string,
  missing: Value,
  task: () => Value | Promise<Value>,
): Promise<Value> {
  try {
    return await task();
  } catch (error) {
    if (MISSING.has(errnoOf(error))) return missing;
    throw faultOf(path, error);
  }
}

function faultOf(path: string, error: unknown, verb: 'read' | 'write' = 'read'): EnvironmentFault {
  if (error instanceof EnvironmentFault) return error;
  const errno = errnoOf(error);
  const code = FAULT_CODES[errno] ?? `${verb}-failed`;
  return new EnvironmentFault(code, `cannot ${verb} ${path} (${errno || String(error)}): ${ADVICE[code]}`, {
    cause: error,
    retryable: code !== 'no-privilege',
  });
}

function errnoOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
