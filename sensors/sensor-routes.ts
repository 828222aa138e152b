/**
 * The node over HTTP: what is asked for, and what is answered; each format has its file in services/. Who may ask at all
 * is in services/admission.ts, what changes something in services/actuator-service.ts. Every refusal is
 * `{"error": one sentence}`.
 */
import { type Context, Hono } from 'hono';
import { accepts } from 'hono/accepts';
import { decideAccess } from './access.ts';
import type { ActuatorPanel } from './actuator.ts';
import { type Reading, rfc3339 } from './reading.ts';
import { addActuators, noActuator } from './services/actuator-service.ts';
import { actuatorsScript } from './services/actuators-section.ts';
import { type AdmissionOptions, type RequestSurroundings, refusal } from './services/admission.ts';
import { historyResponse } from './services/history-service.ts';
import { METRICS_TYPES, metricsText } from './services/metrics.ts';
import { pageHtml, pageScript, pageStyle } from './services/page.ts';
import type { ReadingEvents } from './services/reading-events.ts';
import { SENML_TYPES, senmlCbor, senmlPack } from './services/senml.ts';
import { type ServiceSource, shown } from './services/service-source.ts';
import { SOCKET_PATH, socketRefusal } from './services/socket-service.ts';
import { thingDescription } from './services/thing-description.ts';

export interface SensorRoutesOptions extends ServiceSource, AdmissionOptions {
  events: ReadingEvents;
  /** Whether `/ws` is served; the listener opens the sockets themselves. */
  webSocket: boolean;
  actuators: ActuatorPanel;
  onFault: (error: unknown) => void;
}

/** A sensor that was not read yet is tried again within seconds. */
const RETRY_AFTER_S = '5';
/** A follower's place may be free again by then. */
const FOLLOW_AGAIN_AFTER_S = '30';
const HTML = 'text/html';
const JSON_TYPE = 'application/json';
/** The page may load nothing but its own style, script and data. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export function sensorRoutes(options: SensorRoutesOptions): Hono<RequestSurroundings> {
  const app = new Hono<RequestSurroundings>({ strict: false });
  app.use(async (c, next) => (await refusal(c, options)) ?? (await next()));
  addSensors(app, options);
  addActuators(app, options.actuators);
  addStreams(app, options);
  addFormats(app, options);
  if (options.webSocket) addSocketRefusal(app, options);
  addPage(app, options);
  app.notFound((c) =>
    c.json({ error: `there is nothing at ${shown(c.req.path)}: GET /sensors lists the sensors` }, 404),
  );
  app.onError((error, c) => {
    options.onFault(error);
    return c.json({ error: 'the request failed inside the agent: see its log' }, 500);
  });
  return app;
}

function addSensors(app: Hono<RequestSurroundings>, options: SensorRoutesOptions): void {
  const { source, node } = options;
  app.get('/sensors', (c) => {
    const wallMs = options.wallMs();
    const time = wallMs === null ? null : rfc3339(wallMs);
    const sensors = source.readings();
    return c.json({ node: node.id, name: node.name, time, clockSynchronised: wallMs !== null, sensors });
  });
  app.get('/sensors/:id', (c) => oneReading(c, source.reading(c.req.param('id')), (of) => c.json(of)));
  app.get('/sensors/:id/value', (c) =>
    oneReading(c, source.reading(c.req.param('id')), ({ value }) => c.json(value)),
  );
  app.get('/sensors/:id/history', (c) => {
    const reading = source.reading(c.req.param('id'));
    return reading ? historyResponse(c, options, reading) : noSensor(c);
  });
  app.get('/healthz', (c) => {
    const readings = source.readings();
    const notOk = readings.filter(({ quality }) => quality !== 'ok').length;
    return c.json({ status: 'ok', sensors: readings.length, notOk });
  });
}

function addStreams(
  app: Hono<RequestSurroundings>,
  { source, actuators, events }: SensorRoutesOptions,
): void {
  app.get('/events', (c) => eventStream(c, () => events.followAll(c.env, c.req.header('last-event-id'))));
  app.get('/sensors/:id/events', (c) => {
    const reading = source.reading(c.req.param('id'));
    return reading ? eventStream(c, () => events.followValue(reading, c.env)) : noSensor(c);
  });
  app.get('/actuators/:id/events', (c) => {
    const state = actuators.state(c.req.param('id'));
    return state
      ? eventStream(c, () => events.followActuator(state, c.env))
      : noActuator(c, c.req.param('id'));
  });
}

/** A request for a WebSocket comes here only when it got none. */
function addSocketRefusal(app: Hono<RequestSurroundings>, options: SensorRoutesOptions): void {
  app.get(SOCKET_PATH, (c) => {
    const { status, error } = socketRefusal(options, c.req.raw, c.env);
    if (status === 426) c.header('upgrade', 'websocket');
    if (status === 503) c.header('retry-after', FOLLOW_AGAIN_AFTER_S);
    return c.json({ error }, status);
  });
}

function addFormats(app: Hono<RequestSurroundings>, options: SensorRoutesOptions): void {
  const { source, node, wallMs } = options;
  app.get('/metrics', (c) => {
    const type = negotiated(c, [METRICS_TYPES.openMetrics, METRICS_TYPES.prometheus]);
    const openMetrics = type === METRICS_TYPES.openMetrics;
    const parameters = `version=${openMetrics ? '1.0.0' : '0.0.4'}; charset=utf-8`;
    const text = metricsText(node, source, openMetrics);
    return c.body(text, 200, { 'content-type': `${type}; ${parameters}` });
  });
  app.get('/senml', (c) => {
    const type = negotiated(c, [SENML_TYPES.cbor, SENML_TYPES.json]);
    const pack = senmlPack(node, source.readings(), wallMs());
    const body = type === SENML_TYPES.cbor ? senmlCbor(pack) : JSON.stringify(pack);
    return c.body(body, 200, { 'content-type': type });
  });
  app.get('/.well-known/wot', (c) => {
    const actuators = shownActuators(c, options);
    const thing = thingDescription(node, source.readings(), actuators, new URL(c.req.url).origin);
    return c.body(JSON.stringify(thing), 200, { 'content-type': 'application/td+json' });
  });
}

/** `/` is a page for browsers, and a list of what there is for everything else. */
function addPage(app: Hono<RequestSurroundings>, options: SensorRoutesOptions): void {
  const { source, node, wallMs, webSocket } = options;
  app.get('/', (c) => {
    if (negotiated(c, [HTML, JSON_TYPE]) === HTML) {
      c.header('content-security-policy', PAGE_POLICY);
      c.header('referrer-policy', 'no-referrer');
      return c.html(pageHtml(node, source.readings(), shownActuators(c, options), wallMs()));
    }
    return c.json({
      node: node.id,
      name: node.name,
      sensors: '/sensors',
      events: '/events',
      ...(webSocket ? { webSocket: SOCKET_PATH } : {}),
      senml: '/senml',
      metrics: '/metrics',
      actuators: '/actuators',
      thing: '/.well-known/wot',
      health: '/healthz',
    });
  });
  app.get('/page.css', (c) => c.body(pageStyle, 200, { 'content-type': 'text/css; charset=utf-8' }));
  app.get('/actuators.js', (c) =>
    c.body(actuatorsScript, 200, { 'content-type': 'text/javascript; charset=utf-8' }),
  );
  app.get('/page.js', (c) => c.body(pageScript, 200, { 'content-type': 'text/javascript; charset=utf-8' }));
}

/** The actuators, and whether this client may set them. */
function shownActuators(c: Context<RequestSurroundings>, { actuators, gate }: SensorRoutesOptions) {
  const { allowed } = decideAccess(gate.policy(), c.get('reader'), 'command');
  return { states: actuators.states(), maySet: allowed };
}

/** The best of `types` for this client; the last one where he does not say. */
function negotiated(c: Context, types: readonly string[]): string {
  c.header('vary', 'accept');
  return accepts(c, { header: 'Accept', supports: [...types], default: types.at(-1) ?? '' });
}

function oneReading(c: Context, reading: Reading | null, answer: (reading: Reading) => Response): Response {
  if (!reading) return noSensor(c);
  if (reading.value !== null) return answer(reading);
  c.header('retry-after', RETRY_AFTER_S);
  return c.json({ error: `sensor ${reading.id} has no value yet: ${reading.reason}` }, 503);
}

function noSensor(c: Context): Response {
  const id = c.req.param('id') ?? '';
  return c.json({ error: `there is no sensor ${shown(id)}: GET /sensors lists those there are` }, 404);
}

function eventStream(c: Context, follow: () => ReadableStream<Uint8Array> | null): Response {
  const type = { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' };
  // Nobody would ever read or cancel the stream of an answer without a body.
  if (c.req.method === 'HEAD') return c.body(null, 200, type);
  const stream = follow();
  if (stream) return c.body(stream, 200, type);
  c.header('retry-after', FOLLOW_AGAIN_AFTER_S);
  return c.json(
    { error: 'as many clients follow this node as it can serve: try again later, or poll /sensors' },
    503,
  );
}
