/** The CLI's side of the control API: one HTTP request over the agent's unix socket, its answer checked. */
import { type RequestOptions, request } from 'node:http';
import { failureReport } from '../control/report-schema.ts';
import { check, type Schema } from '../control/schema-check.ts';
import { EnvironmentFault, Refusal, sentenceOf } from '../errors.ts';
import { jsonIn, textWithin } from './answer-text.ts';

/** An answer with 1000 links has some 500 kB. */
const MOST_ANSWER_MB = 8;

/** An agent that says nothing for so long hangs. */
const SILENCE_MS = 5000;

export interface ControlRequest<Output> {
  method: 'GET' | 'POST' | 'DELETE';
  path: string;
  body?: object;
  answer: Schema<Output>;
  /** How long the agent may work before it answers, on top of the usual. */
  workMs?: number;
  signal?: AbortSignal;
}

/**
 * Asks the agent behind `socketPath`. Throws Refusal with the agent's own sentence and reason where it refuses, and
 * EnvironmentFault (`no-agent`, `no-permission`, `agent-silent`, `bad-answer`, `interrupted`) where there is no proper answer.
 */
export async function askAgent<Output>(socketPath: string, asked: ControlRequest<Output>): Promise<Output> {
  const { status, text } = await exchange(socketPath, asked);
  const value = jsonIn(text);
  if (status < 200 || status > 299) {
    const failed = check(failureReport, value);
    if (failed.ok) throw new Refusal(failed.value.reason, failed.value.error);
    throw badAnswer(socketPath, `status ${status} without a reason`);
  }
  const checked = check(asked.answer, value);
  if (!checked.ok) throw badAnswer(socketPath, checked.sentence);
  return checked.value;
}

function exchange<Output>(
  socketPath: string,
  asked: ControlRequest<Output>,
): Promise<{ status: number; text: string }> {
  return new Promise((answered, failed) => {
    const fail = (error: unknown): void => failed(faultOf(socketPath, error));
    const body = asked.body === undefined ? '' : JSON.stringify(asked.body);
    const outgoing = request(optionsOf(socketPath, asked, body), (incoming) => {
      textWithin(incoming, MOST_ANSWER_MB).then(
        (text) => answered({ status: incoming.statusCode ?? 0, text }),
        fail,
      );
    });
    outgoing.on('timeout', () => {
      const sentence = `the agent at ${socketPath} has not answered for ${SILENCE_MS / 1000} s: it may hang; restart it`;
      outgoing.destroy(new EnvironmentFault('agent-silent', sentence, { retryable: true }));
    });
    outgoing.on('error', fail);
    outgoing.end(body);
  });
}

function optionsOf<Output>(socketPath: string, asked: ControlRequest<Output>, body: string): RequestOptions {
  return {
    socketPath,
    method: asked.method,
    path: asked.path,
    // A connection of its own: the command ends when the answer is there.
    agent: false,
    timeout: SILENCE_MS + (asked.workMs ?? 0),
    headers: {
      host: 'tincan',
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    },
    ...(asked.signal ? { signal: asked.signal } : {}),
  };
}

function badAnswer(socketPath: string, why: string): EnvironmentFault {
  return new EnvironmentFault(
    'bad-answer',
    `what answers at ${socketPath} is not a Tincan agent of this version (${why}): check --socket`,
  );
}

function faultOf(socketPath: string, error: unknown): EnvironmentFault {
  if (error instanceof EnvironmentFault) return error;
  if (error instanceof Error && error.name === 'AbortError') {
    return new EnvironmentFault('interrupted', 'interrupted before the agent answered', { cause: error });
  }
  const errno = error instanceof Error && 'code' in error ? error.code : '';
  if (errno === 'ENOENT' || errno === 'ENOTDIR') {
    return new EnvironmentFault(
      'no-agent',
      `there is no socket ${socketPath}: start the agent ("tincan agent --state STATE"), or name its socket with --socket PATH`,
      { cause: error },
    );
  }
  if (errno === 'ECONNREFUSED') {
    return new EnvironmentFault(
      'no-agent',
      `no agent answers at ${socketPath}: it was stopped or killed; start it again ("systemctl start tincan")`,
      { cause: error },
    );
  }
  if (errno === 'EACCES') {
    return new EnvironmentFault(
      'no-permission',
      `you may not open ${socketPath}: run the command as the agent's user, or with sudo`,
      { cause: error },
    );
  }
  return new EnvironmentFault('no-agent', `cannot talk to the agent at ${socketPath}: ${sentenceOf(error)}`, {
    cause: error,
  });
}
