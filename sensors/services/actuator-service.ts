/**
 * Actuators over HTTP: `GET /actuators`, `GET` and `PUT /actuators/<id>` with `{"value": true, "for": 5}`, and the bare
 * value at `/actuators/<id>/value` for Web of Things clients. PUT is idempotent, and its answer is the new state.
 */
import type { Context, Hono } from 'hono';
import type { ActuatorPanel, CommandOutcome } from '../actuator.ts';
import { MOST_BODY_BYTES, notAdmitted, type RequestSurroundings } from './admission.ts';
import { shown } from './service-source.ts';

type ActuatorContext = Context<RequestSurroundings>;

const JSON_TYPE = /^application\/json\s*(;|$)/i;
const STATUS = { 'bad-request': 400, 'no-such-actuator': 404, failed: 503 } as const;

export function addActuators(app: Hono<RequestSurroundings>, actuators: ActuatorPanel): void {
  app.get('/actuators', (c) => c.json({ actuators: actuators.states() }));
  app.get('/actuators/:id', (c) => {
    const state = actuators.state(c.req.param('id'));
    return state ? c.json(state) : noActuator(c, c.req.param('id'));
  });
  app.get('/actuators/:id/value', (c) => {
    const state = actuators.state(c.req.param('id'));
    if (!state) return noActuator(c, c.req.param('id'));
    if (state.value !== null) return c.json(state.value);
    return c.json({ error: `actuator ${state.id} has no value yet: ${state.problem}` }, 503);
  });
  app.put('/actuators/:id', (c) => command(c, actuators, c.req.param('id'), (body) => body));
  app.put('/actuators/:id/value', (c) => command(c, actuators, c.req.param('id'), (value) => ({ value })));
}

async function command(
  c: ActuatorContext,
  actuators: ActuatorPanel,
  id: string,
  requestOf: (body: unknown) => unknown,
): Promise<Response> {
  if (isFromElsewhere(c)) return c.json({ error: 'a page of another site may set nothing here' }, 403);
  const type = c.req.header('content-type') ?? '';
  if (!JSON_TYPE.test(type)) {
    return c.json({ error: `${shown(type)} is no type for a command: send application/json` }, 415);
  }
  const text = await bodyText(c.req.raw);
  if (text === null) {
    c.header('connection', 'close');
    return c.json({ error: `the request has more than ${MOST_BODY_BYTES} bytes: send less` }, 413);
  }
  return answer(c, await actuators.command(id, requestOf(parsed(text)), c.get('reader'), 'http'));
}

function answer(c: ActuatorContext, outcome: CommandOutcome): Response {
  if (outcome.result === 'done') return c.json(outcome.state);
  if (outcome.result === 'too-often' || outcome.result === 'not-allowed') return notAdmitted(c, outcome);
  return c.json({ error: outcome.sentence }, STATUS[outcome.result]);
}

/** Browsers tell where a page is from; it has to be from this node. */
function isFromElsewhere(c: ActuatorContext): boolean {
  const origin = c.req.header('origin');
  return origin !== undefined && origin !== new URL(c.req.url).origin;
}

/** Null: it is longer than its header said or allowed. */
async function bodyText(request: Request): Promise<string | null> {
  const bytes: Uint8Array[] = [];
  let length = 0;
  if (!request.body) return '';
  for await (const chunk of request.body) {
    length += chunk.length;
    if (length > MOST_BODY_BYTES) return null;
    bytes.push(chunk);
  }
  return Buffer.concat(bytes).toString('utf8');
}

/** Undefined, which is no command, for text that is not JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Answers 404. */
export function noActuator(c: Context, id: string): Response {
  return c.json({ error: `there is no actuator ${shown(id)}: GET /actuators lists those there are` }, 404);
}
