/** A sheet of several devices, in CSV: one card for each line, with the columns that `tincan image personalise` has as options. */
import { parse } from 'csv-parse/sync';
import * as v from 'valibot';
import { sentenceOf, UsageError } from '../../agent/errors.ts';

const cell = v.pipe(v.string(), v.maxLength(4_096));
/** An empty cell says nothing. */
const optionalCell = v.optional(
  v.pipe(
    cell,
    v.transform((text) => (text === '' ? null : text)),
  ),
  '',
);

const RowSchema = v.strictObject({
  device: v.pipe(
    cell,
    v.regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/, 'is no name of letters, digits and hyphens'),
  ),
  claim: v.pipe(cell, v.minLength(1, 'is empty')),
  wifi: optionalCell,
  wifi_password: optionalCell,
  wifi_password_file: optionalCell,
  wifi_country: optionalCell,
  ssh_key: optionalCell,
  hostname: optionalCell,
});

/** One line: files are paths, as in the sheet. */
export type SheetRow = v.InferOutput<typeof RowSchema>;

const COLUMNS = Object.keys(RowSchema.entries).join(', ');
const MOST_DEVICES = 10_000;

/** The lines of a sheet. Throws UsageError with line and column of what is wrong; nothing is done before all are read. */
export function readDeviceSheet(name: string, text: string): SheetRow[] {
  const rows = recordsOf(name, text).map(({ record, info }) => rowOf(name, info.lines, record));
  if (rows.length === 0)
    throw new UsageError(`${name} has no devices: give a line of columns (${COLUMNS}) and one for each`);
  if (rows.length > MOST_DEVICES)
    throw new UsageError(`${name} has ${rows.length} devices, and ${MOST_DEVICES} at once are possible`);
  const seen = new Set<string>();
  for (const { device } of rows) {
    if (seen.has(device)) throw new UsageError(`${name} has the device ${device} twice: give each one line`);
    seen.add(device);
  }
  return rows;
}

interface ParsedRecord {
  record: unknown;
  info: { lines: number };
}

function recordsOf(name: string, text: string): ParsedRecord[] {
  try {
    return parse(text, {
      columns: true,
      bom: true,
      trim: true,
      skip_empty_lines: true,
      info: true,
      comment: '#',
      comment_no_infix: true,
    });
  } catch (error) {
    throw new UsageError(`${name} is not a CSV file that can be read: ${sentenceOf(error)}`, {
      cause: error,
    });
  }
}

function rowOf(name: string, line: number, record: unknown): SheetRow {
  const result = v.safeParse(RowSchema, record);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const column = v.getDotPath(issue) ?? '';
  const isKnown = Object.hasOwn(RowSchema.entries, column);
  const why = !isKnown
    ? `has a column "${column}", which is none of ${COLUMNS}`
    : issue.input === undefined
      ? `has no column "${column}"`
      : `has ${String(issue.received).slice(0, 60)} as its ${column}: it ${issue.message}`;
  throw new UsageError(`line ${line} of ${name} ${why}`);
}
