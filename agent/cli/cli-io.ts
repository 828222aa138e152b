/** What a command may use of its process: two outputs and the wish to stop. Tests give their own. */
export interface CliIo {
  /** Results, to stdout. The text bears its own line ends. */
  out(text: string): void;
  /** Progress and errors, to stderr. */
  err(text: string): void;
  /** True where stdout is a terminal: a person watches. */
  isTerminal: boolean;
  /** The terminal's size now. */
  size(): TerminalSize;
  /** Aborted by the first SIGINT or SIGTERM. */
  signal: AbortSignal;
}

export interface TerminalSize {
  columns: number;
  rows: number;
}
