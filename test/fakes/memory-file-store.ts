/** A FileStore in memory that can lose its power at a chosen write, and counts what it writes. */
import { EnvironmentFault } from '../../agent/errors.ts';
import type { FileStore } from '../../agent/ports/file-store.ts';

export class MemoryFileStore implements FileStore {
  readonly files: Map<string, Uint8Array>;
  readonly modes = new Map<string, number>();
  /** Every change that was made: `write config.json`. */
  readonly changes: string[] = [];
  /** That many changes still work; then the power is gone. Null: it stays. */
  changesLeft: number | null = null;
  /** What every change throws while it is set: a full or read-only disk. */
  fault: EnvironmentFault | null = null;

  constructor(files: ReadonlyMap<string, Uint8Array> = new Map()) {
    this.files = new Map(files);
  }

  /** What a restart finds. */
  restarted(): MemoryFileStore {
    return new MemoryFileStore(this.files);
  }

  async read(path: string): Promise<Uint8Array | null> {
    const bytes = this.files.get(inside(path));
    return bytes ? Uint8Array.from(bytes) : null;
  }

  async write(path: string, bytes: Uint8Array, options: { mode?: number } = {}): Promise<void> {
    this.#change(`write ${path}`);
    this.files.set(inside(path), Uint8Array.from(bytes));
    this.modes.set(path, options.mode ?? 0o600);
  }

  async create(path: string, bytes: Uint8Array, options: { mode?: number } = {}): Promise<boolean> {
    if (this.files.has(inside(path))) return false;
    await this.write(path, bytes, options);
    return true;
  }

  async remove(path: string): Promise<void> {
    if (!this.files.has(inside(path))) return;
    this.#change(`remove ${path}`);
    this.files.delete(path);
  }

  async list(directory: string): Promise<string[]> {
    const names = [...this.files.keys()].flatMap((path) => {
      const cut = path.lastIndexOf('/');
      return path.slice(0, Math.max(0, cut)) === directory ? [path.slice(cut + 1)] : [];
    });
    return names.sort();
  }

  #change(what: string): void {
    if (this.fault) throw this.fault;
    if (this.changesLeft === 0) throw new EnvironmentFault('state-not-writable', 'the power is gone');
    if (this.changesLeft !== null) this.changesLeft -= 1;
    this.changes.push(what);
  }
}

function inside(path: string): string {
  const steps = path.split('/');
  if (!steps.some((step) => step === '' || step === '.' || step === '..')) return path;
  throw new EnvironmentFault('state-unreadable', `${path} leaves the store`);
}
