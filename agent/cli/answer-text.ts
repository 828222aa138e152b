/** Bodies of answers, which others send: bounded, and of no shape before a schema has checked them. */
import type { IncomingMessage } from 'node:http';
import { EnvironmentFault } from '../errors.ts';

/** The whole body as text. Throws EnvironmentFault('bad-answer') where it has more than so many MB. */
export async function textWithin(incoming: IncomingMessage, mostMB: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming) {
    if (!(chunk instanceof Buffer)) continue;
    bytes += chunk.length;
    if (bytes > mostMB * 1024 * 1024) {
      throw new EnvironmentFault('bad-answer', `the answer is larger than ${mostMB} MB`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Undefined for text that is not JSON: one more answer that no schema accepts. */
export function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
