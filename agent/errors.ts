/**
 * The families of failure. A message says what happened, with which value, and what to do about it;
 * a caller chooses by class, never by text. Bad bytes from a peer are not errors: decoders return `null` or a
 * refusal, because on a network they are ordinary.
 */

/** Base of everything Tincan throws on purpose. Its message is one sentence fit for a terminal. */
export class TincanError extends Error {
  override readonly name: string = 'TincanError';
}

/** The command line or an input file is wrong: exit code 2, nothing was changed. */
export class UsageError extends TincanError {
  override readonly name = 'UsageError';
}

/** Something signed, claimed or configured was refused. `reason` is a stable kebab-case name for scripts and status. */
export class Refusal extends TincanError {
  override readonly name = 'Refusal';
  readonly reason: string;
  constructor(reason: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

/** The machine, the disk or the network does not allow it. `retryable`: the same call may work later by itself. */
export class EnvironmentFault extends TincanError {
  override readonly name = 'EnvironmentFault';
  readonly code: string;
  readonly retryable: boolean;
  constructor(code: string, message: string, options: ErrorOptions & { retryable?: boolean } = {}) {
    super(message, options);
    this.code = code;
    this.retryable = options.retryable ?? false;
  }
}

/** The one sentence of any thrown value, for logs and terminals. */
export function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
