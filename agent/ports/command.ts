/** Runs a program that the signed config names, and gives what it printed. */
export interface CommandRunner {
  /**
   * `argv[0]` is an absolute path; no shell takes part. Throws EnvironmentFault: `no-command`, `command-failed`,
   * `too-much-output`. The program and what it started end with `signal`.
   */
  run(argv: readonly string[], signal: AbortSignal): Promise<string>;
}
