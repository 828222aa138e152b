/**
 * What an HTTP request has to be before any route sees it. Values are of this moment, so nobody may keep them; a browser
 * must not guess at types. Only `PUT /actuators/...` changes anything, and only it has a body.
 */
import type { Context } from 'hono';
import type { HttpClient } from '../../agent/ports/http.ts';
import type { Reader } from '../access.ts';
import type { Admission, ReaderGate } from '../reader-gate.ts';
import { type ServedNode, shown } from './service-source.ts';

/** What the listener tells of a request beside itself, and what is found out about it. */
export interface RequestSurroundings {
  Bindings: HttpClient;
  Variables: { reader: Reader | null };
}

export interface AdmissionOptions {
  node: ServedNode;
  gate: ReaderGate;
  /** Whether a request's host name is one of this node's. */
  isOwnHost: (hostname: string) => boolean;
}

/** A command has some 30 bytes. */
export const MOST_BODY_BYTES = 1_024;

const ACTUATOR_PATH = /^\/actuators\/[^/]+(\/value)?\/?$/;

/** The answer that ends the request here, or undefined where a route may see it. */
export async function refusal(
  c: Context<RequestSurroundings>,
  options: AdmissionOptions,
): Promise<Response | undefined> {
  c.header('cache-control', 'no-store');
  c.header('x-content-type-options', 'nosniff');
  const isCommand = c.req.method === 'PUT' && ACTUATOR_PATH.test(c.req.path);
  return (
    refusedMethod(c, isCommand) ??
    refusedBody(c, isCommand) ??
    refusedHost(c, options) ??
    (await refusedReader(c, options.gate, isCommand))
  );
}

function refusedMethod(c: Context, isCommand: boolean): Response | undefined {
  const { method } = c.req;
  if (isCommand || method === 'GET' || method === 'HEAD') return undefined;
  c.header('allow', ACTUATOR_PATH.test(c.req.path) ? 'GET, HEAD, PUT' : 'GET, HEAD');
  c.header('connection', 'close');
  const possible = ACTUATOR_PATH.test(c.req.path)
    ? 'an actuator takes GET, HEAD and PUT'
    : 'sensors can only be read, with GET or HEAD';
  return c.json({ error: `${shown(method)} is not possible: ${possible}` }, 405);
}

function refusedBody(c: Context, isCommand: boolean): Response | undefined {
  const length = c.req.header('content-length') ?? '0';
  const hasBody = c.req.header('transfer-encoding') !== undefined || length !== '0';
  const isBounded = isCommand && Number(length) <= MOST_BODY_BYTES;
  if (!hasBody || isBounded) return undefined;
  c.header('connection', 'close');
  const error = isCommand
    ? `the request has more than ${MOST_BODY_BYTES} bytes: a command such as {"value": true} has some 20`
    : 'the request has a body, and sensors take none: send it without';
  return c.json({ error }, 413);
}

function refusedHost(c: Context, { isOwnHost, node }: AdmissionOptions): Response | undefined {
  const { hostname } = new URL(c.req.url);
  if (isOwnHost(hostname)) return undefined;
  return c.json(
    {
      error: `this node is not called ${shown(hostname)}: ask for it by its virtual address or as ${node.name}`,
    },
    421,
  );
}

async function refusedReader(
  c: Context<RequestSurroundings>,
  gate: ReaderGate,
  isCommand: boolean,
): Promise<Response | undefined> {
  const address = c.env.remoteAddress;
  const admission = await (isCommand ? gate.identify(address) : gate.admit(address));
  if (admission.result === 'admitted') {
    c.set('reader', admission.reader);
    return undefined;
  }
  return notAdmitted(c, admission);
}

/** Answers 403 or 429. */
export function notAdmitted(
  c: Context,
  refused: Exclude<Admission, { readonly result: 'admitted' }>,
): Response {
  if (refused.result === 'not-allowed') return c.json({ error: refused.sentence }, 403);
  c.header('retry-after', String(Math.max(1, Math.ceil(refused.retryAfterMs / 1000))));
  return c.json({ error: refused.sentence }, 429);
}
