/**
 * HttpListener over Node's own server and @hono/node-server. Each client is bounded in connections, header bytes and
 * time, so that one that is slow, greedy or broken costs a socket for some seconds and nothing else.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import type { HttpBinding, HttpClient, HttpLimits, HttpListener, HttpListenOptions } from '../ports/http.ts';
import { listenFault } from './listen-fault.ts';
import { acceptWebSockets } from './web-sockets.ts';

const DEFAULT_LIMITS: HttpLimits = {
  /** A small fleet's browsers with room to spare; each costs about 30 kB. */
  connections: 64,
  /** Browsers send 1–2 kB; Node's own bound is 16 kB. */
  headerBytes: 8192,
  headersTimeoutMs: 5_000,
  requestTimeoutMs: 10_000,
  keepAliveTimeoutMs: 5_000,
  idleTimeoutMs: 30_000,
};
/** How often Node looks for requests that overran their time; oftener would wake an idle board for nothing. */
const CHECK_INTERVAL_MS = 5_000;
const MAX_HEADERS = 64;
const BACKLOG = 64;

/** Opens real sockets. */
export class NodeHttpListener implements HttpListener {
  async listen(options: HttpListenOptions): Promise<HttpBinding> {
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    const { server, endSockets } = boundedServer(options, limits);
    guardConnections(server, options);
    await bound(server, options);
    server.on('error', options.onFault);
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : options.port;
    return { address: options.address, port, close: () => closed(server, endSockets) };
  }
}

/** The server, and what cuts its WebSockets. */
function boundedServer(options: HttpListenOptions, limits: HttpLimits) {
  const listener = getRequestListener(
    (request, { incoming }) => options.handle(request, clientOf(incoming.socket)),
    {
      overrideGlobalObjects: false,
      errorHandler: (error) => faultResponse(error, options),
    },
  );
  const answer = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    listener(incoming, outgoing).catch((error: unknown) => {
      options.onFault(error);
      outgoing.destroy();
    });
  };
  const server = createServer(
    {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.keepAliveTimeoutMs,
      connectionsCheckingInterval: Math.min(CHECK_INTERVAL_MS, limits.headersTimeoutMs),
    },
    answer,
  );
  server.maxConnections = limits.connections;
  server.maxHeadersCount = MAX_HEADERS;
  server.setTimeout(limits.idleTimeoutMs);
  return { server, endSockets: socketsOf(server, answer, options) };
}

function socketsOf(
  server: Server,
  answer: (incoming: IncomingMessage, outgoing: ServerResponse) => void,
  { openSocket, onFault }: HttpListenOptions,
): () => void {
  if (!openSocket) return () => undefined;
  return acceptWebSockets(server, {
    answer,
    onFault,
    open: async (incoming, socket) => {
      const request = requestOf(incoming);
      return request && openSocket(request, clientOf(socket));
    },
  });
}

/** Null where it makes no request of the standard's kind, which the ordinary way answers with a sentence. */
function requestOf({ headers, method, url = '' }: IncomingMessage): Request | null {
  const address = `http://${headers.host ?? ''}${url}`;
  if (method !== 'GET' || !url.startsWith('/') || !URL.canParse(address)) return null;
  const text = Object.entries(headers).flatMap(([name, value]) =>
    typeof value === 'string' ? [[name, value] as [string, string]] : [],
  );
  return new Request(address, { headers: text });
}

function clientOf(socket: Socket): HttpClient {
  return { remoteAddress: socket.remoteAddress ?? '', cut: () => void socket.resetAndDestroy() };
}

/** Before the parser's own listener: a stranger's bytes are not even looked at, and he holds no connection. */
function guardConnections(server: Server, options: HttpListenOptions): void {
  server.prependListener('connection', (socket) => {
    // A connection that was reset while it waited to be accepted has no remote address any more.
    if (socket.remoteAddress === undefined || !options.admits(socket.remoteAddress)) socket.destroy();
  });
}

/** The library throws its RequestError for a URL or Host header that makes no request; anything else is our fault. */
function faultResponse(error: unknown, options: HttpListenOptions): Response {
  const clients = error instanceof Error && error.name === 'RequestError';
  if (!clients) options.onFault(error);
  return Response.json(
    {
      error: clients
        ? `this is no valid request: ${error.message}`
        : 'the request failed inside the agent: see its log',
    },
    { status: clients ? 400 : 500, headers: { connection: 'close' } },
  );
}

function bound(server: Server, { address, port }: HttpListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException) => reject(listenFault(address, port, error));
    server.once('error', fail);
    server.listen({ host: address, port, backlog: BACKLOG }, () => {
      server.off('error', fail);
      resolve();
    });
  });
}

function closed(server: Server, endSockets: () => void): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    endSockets();
    server.closeAllConnections();
  });
}
