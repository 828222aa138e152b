/**
 * The kernel's small text files (/sys, /proc, /etc/os-release). Paths are absolute.
 * Throws EnvironmentFault: `no-data` (the chip has none now), `device-gone`, `no-privilege`, `read-failed`,
 * `write-failed`.
 */
export interface Sysfs {
  /**
   * The file's text without white space and NULs around it, or null where there is no such file. A chip can hold the
   * call up for long; `signal` ends the wait for a turn, but nothing ends a read that is already in the kernel.
   */
  read(path: string, signal?: AbortSignal): Promise<string | null>;
  /** Writes to a file that is there, as `echo` does. Never makes one. */
  write(path: string, text: string, signal?: AbortSignal): Promise<void>;
  /** Names in a directory, sorted with numbers in order (`hwmon2` before `hwmon10`); empty where there is none. */
  list(directory: string): Promise<string[]>;
  /** The real path behind all symbolic links, or null where there is none. */
  resolve(path: string): Promise<string | null>;
  /** Size of the file system that holds `path`; `freeBytes` is what an unprivileged process may still write. */
  fileSystem(path: string): Promise<FileSystemSize>;
}

export interface FileSystemSize {
  totalBytes: number;
  freeBytes: number;
}
