/** Says in one sentence why a file could not be read or written, from the error that the kernel gave. */
import { EnvironmentFault, TincanError } from '../errors.ts';

type Attempt = 'read' | 'write';

interface Cause {
  code: 'state-not-writable' | 'state-full' | 'state-unreadable' | null;
  /** What it is and what to do, after "cannot write PATH: ". */
  why: string;
  retryable?: boolean;
}

/** By errno name. Code null: the attempt decides between unreadable and not writable. */
const CAUSES: Readonly<Record<string, Cause>> = {
  EACCES: { code: null, why: 'permission denied; run as the user who owns it, or change its owner' },
  EPERM: { code: null, why: 'the system does not permit it; look at its owner and attributes (lsattr)' },
  EROFS: { code: null, why: 'the file system is read-only; choose another directory or mount it writable' },
  ENOSPC: { code: 'state-full', why: 'no space is left on the disk; free some', retryable: true },
  EDQUOT: { code: 'state-full', why: "the user's disk quota is used up; free some space", retryable: true },
  EFBIG: { code: 'state-full', why: 'the file would be larger than is allowed (ulimit -f)' },
  ENOTDIR: { code: null, why: 'a file stands where a directory should be; name a directory' },
  EEXIST: { code: null, why: 'a file stands where a directory should be; name a directory' },
  EISDIR: { code: null, why: 'it is a directory; remove it or name a file' },
  ENOTEMPTY: { code: null, why: 'it is a directory; remove it or name a file' },
  ENOENT: { code: null, why: 'the directory was removed meanwhile' },
  ENAMETOOLONG: { code: null, why: 'the name is too long' },
  ELOOP: { code: null, why: 'its symbolic links lead in a circle' },
  EIO: { code: null, why: 'the disk reports an input/output error; check the card' },
  EMFILE: { code: null, why: 'too many files are open (ulimit -n)', retryable: true },
  ENFILE: { code: null, why: 'too many files are open in the system', retryable: true },
};

/** The EnvironmentFault for an attempt at `path`; an error that has been explained already stays as it is. */
export function fileFault(attempt: Attempt, path: string, error: unknown): TincanError {
  if (error instanceof TincanError) return error;
  const errno = error instanceof Error && 'code' in error ? String(error.code) : '';
  const cause = CAUSES[errno] ?? { code: null, why: error instanceof Error ? error.message : String(error) };
  const code = cause.code ?? (attempt === 'read' ? 'state-unreadable' : 'state-not-writable');
  return new EnvironmentFault(code, `cannot ${attempt} ${path}: ${cause.why}`, {
    cause: error,
    retryable: cause.retryable ?? false,
  });
}

/** Whether it is one of these errno names. */
export function isCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}
