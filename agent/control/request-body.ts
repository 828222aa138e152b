/** Bodies of the control API: read up to a bound, parsed, and checked by the route's schema. */
import type { Context } from 'hono';
import { Refusal, UsageError } from '../errors.ts';
import { check, type Schema } from './schema-check.ts';

/** The largest body that has a meaning here is some 300 bytes. */
const MAX_BODY_BYTES = 16 * 1024;

/** The body as the schema sees it. Throws UsageError for a wrong one, Refusal('body-too-large') for a large one. */
export async function bodyOf<Output>(context: Context, schema: Schema<Output>): Promise<Output> {
  const checked = check(schema, parsedJson(await boundedText(context.req.raw)));
  if (!checked.ok) throw new UsageError(checked.sentence);
  return checked.value;
}

async function boundedText(request: Request): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) {
      throw new Refusal('body-too-large', `the body is larger than ${MAX_BODY_BYTES} bytes: send less`);
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const shown = JSON.stringify(text.slice(0, 40));
    throw new UsageError(`the body ${shown} is not JSON: send an object like {"target": "NAME"}`, {
      cause: error,
    });
  }
}
