/** A tree of kernel files in memory, whose files can vanish, fail and hang as real chips do. */
import { posix } from 'node:path';
import { EnvironmentFault } from '../../agent/errors.ts';
import type { FileSystemSize, Sysfs } from '../../agent/ports/sysfs.ts';

export class FakeSysfs implements Sysfs {
  readonly #files = new Map<string, string>();
  readonly #links = new Map<string, string>();
  readonly #faults = new Map<string, EnvironmentFault>();
  readonly #hanging = new Map<string, Array<() => void>>();
  #fileSystem: FileSystemSize = { totalBytes: 31_914_983_424, freeBytes: 27_917_287_424 };
  /** How many reads of each path were begun. */
  readonly reads = new Map<string, number>();
  /** What the agent wrote, and where. */
  readonly written: Array<[path: string, text: string]> = [];
  readonly #effects = new Map<string, (text: string) => void>();
  readonly #readEffects = new Map<string, () => void>();

  constructor(files: Readonly<Record<string, string>> = {}) {
    for (const [path, text] of Object.entries(files)) this.put(path, text);
  }

  /** What the kernel puts there. */
  put(path: string, text: string): this {
    this.#files.set(path, text);
    return this;
  }

  /** What the kernel does when the agent writes to the file. */
  onWrite(path: string, effect: (text: string) => void): void {
    this.#effects.set(path, effect);
  }

  link(path: string, target: string): this {
    this.#links.set(path, posix.resolve(posix.dirname(path), target));
    return this;
  }

  /** Removes a file, or a directory with all that is in it. */
  remove(path: string): void {
    for (const known of [...this.#files.keys(), ...this.#links.keys()]) {
      if (known !== path && !known.startsWith(`${path}/`)) continue;
      this.#files.delete(known);
      this.#links.delete(known);
    }
  }

  fail(path: string, code: string): void {
    this.#faults.set(path, new EnvironmentFault(code, `cannot read ${path} (${code})`, { retryable: true }));
  }

  refuseWrites(path: string, code: string): void {
    this.onWrite(path, () => {
      throw new EnvironmentFault(code, `cannot write ${path} (${code})`, { retryable: true });
    });
  }

  /** Runs before each read of the path. */
  onRead(path: string, effect: () => void): void {
    this.#readEffects.set(path, effect);
  }

  /** Reads of the path give no answer until `release`. */
  hang(path: string): void {
    this.#hanging.set(path, []);
  }

  release(path: string): void {
    const waiting = this.#hanging.get(path) ?? [];
    this.#hanging.delete(path);
    for (const resume of waiting) resume();
  }

  async read(path: string, signal?: AbortSignal): Promise<string | null> {
    signal?.throwIfAborted();
    this.reads.set(path, (this.reads.get(path) ?? 0) + 1);
    const waiting = this.#hanging.get(path);
    if (waiting) await new Promise<void>((resume) => waiting.push(resume));
    const fault = this.#faults.get(path);
    if (fault) throw fault;
    this.#readEffects.get(path)?.();
    const text = this.#files.get(this.#real(path));
    return text === undefined ? null : text.replace(/^[\s\0]+|[\s\0]+$/g, '');
  }

  async write(path: string, text: string, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const real = this.#real(path);
    const fault = this.#faults.get(path);
    if (fault) throw fault;
    if (!this.#files.has(real)) throw new EnvironmentFault('write-failed', `cannot write ${path} (ENOENT)`);
    this.written.push([path, text]);
    this.#files.set(real, text);
    this.#effects.get(path)?.(text);
  }

  async list(directory: string): Promise<string[]> {
    const inside = `${this.#real(directory)}/`;
    const names = [...this.#files.keys(), ...this.#links.keys()]
      .filter((path) => path.startsWith(inside))
      .map((path) => path.slice(inside.length).split('/')[0] ?? '');
    return [...new Set(names)].sort((left, right) => left.localeCompare(right, 'en', { numeric: true }));
  }

  async resolve(path: string): Promise<string | null> {
    const real = this.#real(path);
    const known = [...this.#files.keys(), ...this.#links.keys()];
    return known.some((file) => file === real || file.startsWith(`${real}/`)) ? real : null;
  }

  async fileSystem(path: string): Promise<FileSystemSize> {
    const fault = this.#faults.get(path);
    if (fault) throw fault;
    return this.#fileSystem;
  }

  setFileSystem(size: FileSystemSize): void {
    this.#fileSystem = size;
  }

  /** Follows links from the root down, as path_resolution(7) does. */
  #real(path: string, depth = 0): string {
    if (depth > 40) return path;
    const parts = path.split('/').filter((part) => part !== '');
    for (let length = 1; length <= parts.length; length++) {
      const target = this.#links.get(`/${parts.slice(0, length).join('/')}`);
      if (target) return this.#real(posix.join(target, ...parts.slice(length)), depth + 1);
    }
    return `/${parts.join('/')}`;
  }
}
