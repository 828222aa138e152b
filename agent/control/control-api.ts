/**
 * The control API: what the owner of the machine, his scripts or his own controller may see and do, as HTTP and JSON
 * under /v1. Whoever can open the socket may use it; there is no other check.
 */
import { type Context, Hono } from 'hono';
import type { AgentControl } from '../ports/agent-control.ts';
import type { Log } from '../ports/log.ts';
import { EventHistory } from './event-history.ts';
import { streamEvents } from './event-stream.ts';
import { failure, failureOf } from './failure.ts';
import { bodyOf } from './request-body.ts';
import { createLinkBody, LONGEST_PING_MS, pingBody } from './request-schema.ts';

/** Events that a follower may be behind, or have missed while it was away. About 50 kB. */
const KEPT_EVENTS = 256;

export interface ControlApi {
  fetch(request: Request): Response | Promise<Response>;
  /** Ends all event streams and stops listening to the agent. */
  close(): void;
}

interface Route {
  method: 'GET' | 'POST' | 'DELETE';
  path: string;
  what: string;
  handle(context: Context): Response | Promise<Response>;
}

/** Makes the API over the agent; it begins to keep events at once. */
export function createControlApi(control: AgentControl, log: Log): ControlApi {
  const history = new EventHistory(control, KEPT_EVENTS);
  const closing = new AbortController();
  const routes = routesOf(control, history, closing.signal);
  return {
    fetch: appOf(routes, log).fetch,
    close: () => {
      closing.abort();
      history.close();
    },
  };
}

function routesOf(control: AgentControl, history: EventHistory, closing: AbortSignal): Route[] {
  const routes: Route[] = [
    {
      method: 'GET',
      path: '/v1',
      what: 'This list.',
      handle: (context) =>
        context.json({
          name: 'tincan',
          version: control.status().version,
          routes: routes.map(({ method, path, what }) => ({ method, path, what })),
        }),
    },
    {
      method: 'GET',
      path: '/v1/status',
      what: 'How the agent is: phase, problem, node, broker, config, clock, datapath, links and sensors.',
      handle: (context) => context.json(control.status()),
    },
    {
      method: 'GET',
      path: '/v1/links',
      what: 'The links to peers, as {"links": [...]}.',
      handle: (context) => context.json({ links: control.links() }),
    },
    {
      method: 'POST',
      path: '/v1/links',
      what: 'Starts a link to {"target": NAME | NODE-ID | ADDRESS}, or finds the one there is.',
      handle: async (context) => {
        const { target } = await bodyOf(context, createLinkBody);
        return context.json(await control.createLink(target));
      },
    },
    {
      method: 'DELETE',
      path: '/v1/links/:target',
      what: 'Closes the link to a name, node id or address; traffic opens it again.',
      handle: async (context) => context.json(await control.trimLink(context.req.param('target') ?? '')),
    },
    {
      method: 'GET',
      path: '/v1/members',
      what: 'The members of the fleet, this node too, as {"members": [...]}; asks the broker, which takes a moment.',
      handle: async (context) => context.json({ members: await control.members() }),
    },
    {
      method: 'GET',
      path: '/v1/members/:target',
      what: 'One member by its name, node id or address.',
      handle: async (context) => context.json(await control.member(context.req.param('target') ?? '')),
    },
    {
      method: 'POST',
      path: '/v1/ping',
      what: `Sends one probe to {"target": ...}; "timeoutMs" is at most ${LONGEST_PING_MS}, and 3000 if left out.`,
      handle: async (context) => {
        const { target, timeoutMs } = await bodyOf(context, pingBody);
        return context.json(await control.ping(target, timeoutMs));
      },
    },
    {
      method: 'GET',
      path: '/v1/events',
      what: `Follows events as server-sent events: the last ${KEPT_EVENTS}, then new ones; honours Last-Event-ID.`,
      handle: (context) => streamEvents(context, history, closing),
    },
  ];
  return routes;
}

function appOf(routes: readonly Route[], log: Log): Hono {
  const app = new Hono();
  for (const { method, path, handle } of routes) app.on(method, path, handle);
  for (const path of new Set(routes.map((route) => route.path))) {
    const methods = routes.filter((route) => route.path === path).map((route) => route.method);
    app.all(path, (context) => methodNotAllowed(context, methods));
  }
  app.notFound((context) =>
    failure(context, 404, 'no-such-route', `there is no ${context.req.path}: GET /v1 lists what there is`),
  );
  app.onError((error, context) => failureOf(context, error, log));
  return app;
}

function methodNotAllowed(context: Context, methods: readonly string[]): Response {
  context.header(
    'Allow',
    methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : method)).join(', '),
  );
  const { method, path } = context.req;
  return failure(context, 405, 'method-not-allowed', `${path} takes ${methods.join(' or ')}, not ${method}`);
}
