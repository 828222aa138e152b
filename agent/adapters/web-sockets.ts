/**
 * WebSockets (RFC 6455) beside an HTTP server, by the library `ws`: only this side speaks. A client that is gone is
 * noticed by its missing pong, and one that talks, floods or does not read is cut.
 */
import { type IncomingMessage, type Server, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import type { ClientSocket, SocketHandler } from '../ports/http.ts';
import { systemClock } from './system-clock.ts';

/** A member that lost its link is noticed within two of these. */
const PING_INTERVAL_MS = 30_000;
/** Control frames have at most 125 bytes, and clients have nothing else to say. */
const MAX_MESSAGE_BYTES = 125;
/** Pongs that a client does not read. */
const MAX_WAITING_PONG_BYTES = 16_384;
const GOING_AWAY = 1001;
const POLICY_VIOLATION = 1008;

export interface WebSocketsOptions {
  /** Null: this request gets no WebSocket. */
  open(incoming: IncomingMessage, socket: Socket): Promise<SocketHandler | null>;
  /** What a request without a WebSocket gets: the same answer as without the wish to upgrade. */
  answer(incoming: IncomingMessage, outgoing: ServerResponse): void;
  onFault(error: unknown): void;
  pingIntervalMs?: number;
}

/** Takes over the server's upgrades; the result cuts every WebSocket there is. */
export function acceptWebSockets(server: Server, options: WebSocketsOptions): () => void {
  const acceptor = new WebSocketServer({
    noServer: true,
    clientTracking: true,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
    autoPong: false,
  });
  const receive = async (incoming: IncomingMessage, socket: Socket, head: Buffer): Promise<void> => {
    const handler = isWebSocket(incoming) ? await options.open(incoming, socket) : null;
    if (handler) {
      acceptor.handleUpgrade(incoming, socket, head, (opened) => attend(opened, socket, handler, options));
    } else answerPlainly(incoming, socket, options);
  };
  server.on('upgrade', (incoming, stream, head) => {
    stream.on('error', () => stream.destroy());
    // Its kind is Duplex for servers that are not of TCP.
    if (!(stream instanceof Socket)) return;
    receive(incoming, stream, head).catch((error: unknown) => {
      options.onFault(error);
      stream.destroy();
    });
  });
  return () => {
    for (const client of acceptor.clients) client.terminate();
    acceptor.close();
  };
}

function isWebSocket(incoming: IncomingMessage): boolean {
  return incoming.headers.upgrade?.toLowerCase() === 'websocket';
}

/** Some clients offer HTTP/2 with every request (`Upgrade: h2c`), which a server may ignore (RFC 9110 section 7.8). */
function answerPlainly(incoming: IncomingMessage, socket: Socket, { answer }: WebSocketsOptions): void {
  const outgoing = new ServerResponse(incoming);
  outgoing.shouldKeepAlive = false;
  outgoing.assignSocket(socket);
  outgoing.on('finish', () => socket.end());
  answer(incoming, outgoing);
}

function attend(
  opened: WebSocket,
  stream: Socket,
  handler: SocketHandler,
  { onFault, pingIntervalMs = PING_INTERVAL_MS }: WebSocketsOptions,
): void {
  let answered = true;
  const pings = systemClock.every(pingIntervalMs, () => {
    if (!answered) return opened.terminate();
    answered = false;
    opened.ping();
  });
  opened.on('pong', () => {
    answered = true;
  });
  opened.on('ping', (payload) => {
    if (opened.bufferedAmount > MAX_WAITING_PONG_BYTES) stream.resetAndDestroy();
    else opened.pong(payload);
  });
  opened.on('message', () => opened.close(POLICY_VIOLATION, 'this service only sends'));
  // What a client breaks in the protocol is his concern; 'close' follows.
  opened.on('error', () => undefined);
  opened.on('close', () => pings.cancel());
  try {
    opened.on('close', handler(clientSocketOf(opened, stream)));
  } catch (error) {
    onFault(error);
    opened.terminate();
  }
}

function clientSocketOf(opened: WebSocket, stream: Socket): ClientSocket {
  return {
    send: (messages) => {
      stream.cork();
      for (const message of messages) opened.send(message, () => undefined);
      stream.uncork();
    },
    get waitingBytes() {
      return opened.bufferedAmount;
    },
    close: () => opened.close(GOING_AWAY, 'the service ends'),
    cut: () => void stream.resetAndDestroy(),
  };
}
