/** What of an agent's log is worth showing to somebody who watches the demo. */

/** `2026-11-23T11:40:05.120Z info  link.up peer=… path=slow`: see agent/adapters/text-log.ts. */
const LOG_LINE = /^\S+Z (debug|info|warn|error) +(\S+) ?(.*)$/;
const LONGEST_NOTE = 110;

/** The event and its fields, or null where the line is no event of the log. */
export function noteOf(line: string): string | null {
  const [, , event, fields = ''] = LOG_LINE.exec(line) ?? [];
  if (event === undefined) return null;
  const note = `${event} ${fields}`.trimEnd();
  return note.length > LONGEST_NOTE ? `${note.slice(0, LONGEST_NOTE - 1)}…` : note;
}
