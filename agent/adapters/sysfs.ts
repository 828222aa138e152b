/**
 * The kernel's text files from the real /sys and /proc. /proc is read synchronously: it answers from memory in about
 * The kernel's text files from the real /sys and /proc. /proc is read synchronously: it answers from memory in about
 * 10 µs, and a trip through libuv's thread pool costs twenty times that in CPU. /sys may ask a chip that hangs, so it is
 * read outside of this process (outside-reader.ts), in lanes: the slow 1-wire bus, where a reading takes up to a second,
 * has one of its own and delays nobody else, and so have the LEDs, whose safe state must not wait for a chip that hangs.
 */
import { readFileSync } from 'node:fs';
import { readdir, readFile, realpath, statfs } from 'node:fs/promises';
import { EnvironmentFault } from '../errors.ts';
import type { FileSystemSize, Sysfs } from '../ports/sysfs.ts';
import { OutsideLane } from './outside-lane.ts';
import type { OutsideQuestion } from './outside-reader.ts';

/** Readers of chips that take their time, or hang until they are given up. */
const READS_AT_ONCE = 4;
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
/** strerror(3) in the locale C, of what drivers of chips return. */
const ERRNO_OF_WORDS: Readonly<Record<string, string>> = {
  'No data available': 'ENODATA',
  'No such device': 'ENODEV',
  'No such device or address': 'ENXIO',
  'Permission denied': 'EACCES',
  'Operation not permitted': 'EPERM',
  'Is a directory': 'EISDIR',
  'Input/output error': 'EIO',
  'Remote I/O error': 'EREMOTEIO',
  'Invalid argument': 'EINVAL',
  'Device or resource busy': 'EBUSY',
  'Connection timed out': 'ETIMEDOUT',
  'Resource temporarily unavailable': 'EAGAIN',
};
const NUL_OR_SPACE_AROUND = /^[\s\0]+|[\s\0]+$/g;

/** Reads the kernel's files below `root`, which is empty except in tests. */
export class LinuxSysfs implements Sysfs {
  readonly #root: string;
  readonly #lane = new OutsideLane(READS_AT_ONCE);
  readonly #slowLane = new OutsideLane(SLOW_READS_AT_ONCE);
  readonly #ledLane = new OutsideLane(LEDS_AT_ONCE);

  constructor(root = '') {
    this.#root = root;
  }

  async read(path: string, signal?: AbortSignal): Promise<string | null> {
    signal?.throwIfAborted();
    const text = path.startsWith('/sys/')
      ? await this.#outside({ verb: 'read', path, text: '' }, signal)
      : await orMissing(path, null, () =>
          path.startsWith('/proc/')
            ? readFileSync(this.#root + path, 'utf8')
            : readFile(this.#root + path, 'utf8'),
        );
    return text?.replace(NUL_OR_SPACE_AROUND, '') ?? null;
  }

  async write(path: string, text: string, signal?: AbortSignal): Promise<void> {
    const written = await this.#outside({ verb: 'write', path, text: text.trimEnd() }, signal);
    if (written === null) throw faultOf(path, 'ENOENT', 'write');
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

  /** Null: there is no such file. */
  async #outside(question: OutsideQuestion, signal?: AbortSignal): Promise<string | null> {
    const { path, text, verb } = question;
    // A line each: the kernel has no such names, and we write no such text.
    if (/\n/.test(path + text)) throw faultOf(path, 'EINVAL', verb);
    const answer = await this.#laneOf(path).run({ ...question, path: this.#root + path }, signal);
    if (answer.kind === 'missing') return null;
    if (answer.kind === 'done') return answer.text;
    throw faultOf(path, ERRNO_OF_WORDS[answer.words] ?? answer.words, verb);
  }

  #laneOf(path: string): OutsideLane {
    if (path.startsWith(LEDS)) return this.#ledLane;
    return path.startsWith(SLOW_BUS) ? this.#slowLane : this.#lane;
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

function faultOf(path: string, cause: unknown, verb: 'read' | 'write' = 'read'): EnvironmentFault {
  if (cause instanceof EnvironmentFault) return cause;
  const errno = errnoOf(cause);
  const code = FAULT_CODES[errno] ?? `${verb}-failed`;
  return new EnvironmentFault(code, `cannot ${verb} ${path} (${errno || String(cause)}): ${ADVICE[code]}`, {
    cause,
    retryable: code !== 'no-privilege',
  });
}

function errnoOf(cause: unknown): string {
  if (typeof cause === 'string') return cause;
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
}
