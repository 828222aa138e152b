/** Failures of the control API as HTTP answers: one sentence and a stable name. */
import type { Context } from 'hono';
import { EnvironmentFault, Refusal, sentenceOf, UsageError } from '../errors.ts';
import type { Log } from '../ports/log.ts';

type FailureStatus = 400 | 404 | 405 | 409 | 413 | 500 | 503 | 504;

/** Refusals that HTTP has a better word for than 409. */
const STATUS_BY_REASON: Readonly<Record<string, FailureStatus>> = {
  'body-too-large': 413,
  'not-a-member': 404,
  'no-such-link': 404,
  'no-answer': 504,
};

/** An answer `{error, reason}`. */
export function failure(context: Context, status: FailureStatus, reason: string, error: string): Response {
  return context.json({ error, reason }, status);
}

/** The answer for whatever a handler threw. A bug is logged with its stack and told without it. */
export function failureOf(context: Context, error: unknown, log: Log): Response {
  if (error instanceof UsageError) return failure(context, 400, 'bad-request', error.message);
  if (error instanceof Refusal) {
    const status = Object.hasOwn(STATUS_BY_REASON, error.reason) ? STATUS_BY_REASON[error.reason] : undefined;
    return failure(context, status ?? 409, error.reason, error.message);
  }
  if (error instanceof EnvironmentFault) return failure(context, 503, error.code, error.message);
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  log.error('control.failed', { method: context.req.method, path: context.req.path, problem: stack });
  return failure(
    context,
    500,
    'internal',
    `the agent failed inside: ${sentenceOf(error)}; its log has the details`,
  );
}
