/** Checks values from outside against a schema, both requests and, on the CLI's side, answers. */
import { type GenericSchema, safeParse } from 'valibot';

export type Schema<Output> = GenericSchema<unknown, Output>;

export type Checked<Value> = { ok: true; value: Value } | { ok: false; sentence: string };

/** The value as the schema sees it, or the first thing that is wrong with it. */
export function check<Output>(schema: Schema<Output>, input: unknown): Checked<Output> {
  const result = safeParse(schema, input);
  return result.success
    ? { ok: true, value: result.output }
    : { ok: false, sentence: result.issues[0].message };
}
