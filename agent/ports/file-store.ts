/**
 * A small directory of files that survives power cuts: `write` leaves either the old bytes or the new ones.
 * Paths are relative to the store's root, with `/`; they never leave it.
 * Throws EnvironmentFault (`state-not-writable`, `state-full`, `state-unreadable`), with a sentence that names the path.
 */
export interface FileStore {
  /** The file's bytes, or null where there is none. */
  read(path: string): Promise<Uint8Array | null>;
  /** Atomic: temporary file, fsync, rename, fsync of the directory. Mode 0600 unless told. */
  write(path: string, bytes: Uint8Array, options?: { mode?: number }): Promise<void>;
  /** Creates the file with these bytes; false, and nothing changed, where it exists already. */
  create(path: string, bytes: Uint8Array, options?: { mode?: number }): Promise<boolean>;
  remove(path: string): Promise<void>;
  /** File names in a directory, sorted; empty where there is no such directory. */
  list(directory: string): Promise<string[]>;
}
