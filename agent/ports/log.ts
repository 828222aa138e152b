export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** Structured log: an event name (`link.opened`) and fields. Per-frame happenings are counters, never log lines. */
export interface Log {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}
