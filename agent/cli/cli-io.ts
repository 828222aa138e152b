/** What a command may use of its process: two outputs and the wish to stop. Tests give their own. */
export interface CliIo {
  /** Results, to stdout. The text bears its own line ends. */
  out(text: string): void;
  /** Progress and errors, to stderr. */
  err(text: string): void;
  /** True where stdout is a terminal: a person watches. */
  isTerminal: boolean;
  /** Aborted by the first SIGINT or SIGTERM. */
  signal: AbortSignal;
}
