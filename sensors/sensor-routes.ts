/**
 * The sensors over HTTP: what is asked for, and what is answered. Reading is all that can be done, so there is no
 * method but GET and HEAD, and no body. Every answer is JSON; every refusal is `{"error": one sentence}`.
 */
import { type Context, Hono } from 'hono';
import { type Reading, rfc3339 } from './reading.ts';

/** What the routes need of the sampler. */
export interface ReadingSource {
  readings(): Reading[];
  /** Null: there is no such sensor. */
  reading(id: string): Reading | null;
}

export interface SensorRoutesOptions {
  source: ReadingSource;
  node: { id: string; name: string };
  clockSynchronised: () => boolean;
  /** Wall clock, Unix milliseconds. */
  wallMs: () => number;
  onFault: (error: unknown) => void;
}

const SHOWN_CHARACTERS = 64;
/** A sensor that was not read yet is tried again within seconds. */
const RETRY_AFTER_S = '5';

export function sensorRoutes(options: SensorRoutesOptions): Hono {
  const { source, node } = options;
  const app = new Hono({ strict: false });
  app.use(readOnly);
  app.get('/', (c) => c.json({ node: node.id, name: node.name, sensors: '/sensors', health: '/healthz' }));
  app.get('/sensors', (c) => {
    const clockSynchronised = options.clockSynchronised();
    const time = clockSynchronised ? rfc3339(options.wallMs()) : null;
    return c.json({ node: node.id, name: node.name, time, clockSynchronised, sensors: source.readings() });
  });
  app.get('/sensors/:id', (c) => oneReading(c, source, c.req.param('id')));
  app.get('/healthz', (c) => {
    const readings = source.readings();
    const notOk = readings.filter(({ quality }) => quality !== 'ok').length;
    return c.json({ status: 'ok', sensors: readings.length, notOk });
  });
  app.notFound((c) =>
    c.json({ error: `there is nothing at ${shown(c.req.path)}: GET /sensors lists the sensors` }, 404),
  );
  app.onError((error, c) => {
    options.onFault(error);
    return c.json({ error: 'the request failed inside the agent: see its log' }, 500);
  });
  return app;
}

function oneReading(c: Context, source: ReadingSource, id: string): Response {
  const reading = source.reading(id);
  if (!reading)
    return c.json({ error: `there is no sensor ${shown(id)}: GET /sensors lists those there are` }, 404);
  if (reading.value !== null) return c.json(reading);
  c.header('retry-after', RETRY_AFTER_S);
  return c.json({ error: `sensor ${id} has no value yet: ${reading.reason}` }, 503);
}

/** Values are of this moment, so nobody may keep them; a browser must not guess at types. */
async function readOnly(c: Context, next: () => Promise<void>): Promise<Response | undefined> {
  c.header('cache-control', 'no-store');
  c.header('x-content-type-options', 'nosniff');
  const { method } = c.req;
  if (method !== 'GET' && method !== 'HEAD') {
    c.header('allow', 'GET, HEAD');
    c.header('connection', 'close');
    return c.json(
      { error: `${shown(method)} is not possible: sensors can only be read, with GET or HEAD` },
      405,
    );
  }
  if (c.req.header('transfer-encoding') !== undefined || (c.req.header('content-length') ?? '0') !== '0') {
    c.header('connection', 'close');
    return c.json({ error: 'the request has a body, and sensors take none: send it without' }, 413);
  }
  await next();
  return undefined;
}

function shown(text: string): string {
  return JSON.stringify(text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text);
}
