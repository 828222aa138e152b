/**
 * `/ws`: the events of `/events` on a WebSocket, for clients that cannot follow an event stream. `?since=` or
 * `Last-Event-ID` says where a client left. A page of any site may open a WebSocket to any host, whatever CORS says, so
 * a request with an `Origin` that is not this node's own is refused (RFC 6455 section 10.2).
 */
import type { HttpClient, SocketHandler } from '../../agent/ports/http.ts';
import type { ReaderGate } from '../reader-gate.ts';
import type { ReadingEvents } from './reading-events.ts';
import { shown } from './service-source.ts';

export const SOCKET_PATH = '/ws';

export interface SocketServiceOptions {
  gate: ReaderGate;
  events: ReadingEvents;
  isOwnHost: (hostname: string) => boolean;
}

/** Opens the socket of a request for one; null: it gets none, and the ordinary answer says why. */
export async function openSocket(
  { events, isOwnHost, gate }: SocketServiceOptions,
  request: Request,
  client: HttpClient,
): Promise<SocketHandler | null> {
  const { pathname, hostname, searchParams } = new URL(request.url);
  if (pathname !== SOCKET_PATH || !isOwnHost(hostname) || foreignOrigin(request, isOwnHost) !== null)
    return null;
  const { result } = await gate.admit(client.remoteAddress);
  if (result !== 'admitted') return null;
  return events.followOnSocket(
    client,
    searchParams.get('since') ?? request.headers.get('last-event-id') ?? undefined,
  );
}

/** Why this request gets no WebSocket. */
export function socketRefusal(
  { events, isOwnHost }: SocketServiceOptions,
  request: Request,
  client: HttpClient,
): { status: 403 | 426 | 503; error: string } {
  const origin = foreignOrigin(request, isOwnHost);
  if (origin !== null) {
    const error = `a page of ${shown(origin)} may not read this node: open the socket from this node's own page, or from a program`;
    return { status: 403, error };
  }
  if (!events.hasPlace(client)) {
    return {
      status: 503,
      error: 'as many clients follow this node as it can serve: try again later, or poll /sensors',
    };
  }
  return {
    status: 426,
    error: `${SOCKET_PATH} is a WebSocket: connect with ws://, or follow /events with plain HTTP`,
  };
}

function foreignOrigin({ headers }: Request, isOwnHost: (hostname: string) => boolean): string | null {
  const origin = headers.get('origin');
  if (origin === null) return null;
  return URL.canParse(origin) && isOwnHost(new URL(origin).hostname) ? null : origin;
}
