/** HTTP as a careless or hostile client speaks it: bytes on a socket, and what comes back. */
import { connect, type Socket } from 'node:net';

export interface Target {
  host: string;
  port: number;
  /** Where the connection is to come from. */
  from?: string;
}

/** Connects and sends; resolves with everything received until the server ended the connection. `isAll`: says at once that nothing follows. */
export function exchange(target: Target, bytes: string, isAll = false): Promise<string> {
  return new Promise((resolve) => {
    const socket = open(target);
    let received = '';
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
    });
    // A reset ends a conversation as well as anything.
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(received));
    if (isAll) socket.end(bytes, 'latin1');
    else socket.write(bytes, 'latin1');
  });
}

/** GET over a connection of its own: status and body. */
export async function get(
  target: Target,
  path: string,
  headers = '',
): Promise<{ status: number; body: unknown }> {
  const request = `GET ${path} HTTP/1.1\r\nHost: greenhouse.local\r\nConnection: close\r\n${headers}\r\n`;
  const answer = await exchange(target, request);
  const body = answer.slice(answer.indexOf('\r\n\r\n') + 4);
  const chunked = /^transfer-encoding: chunked/im.test(answer);
  const text = chunked ? body.replace(/^[0-9a-f]+\r\n|\r\n[0-9a-f]+\r\n|\r\n$/gi, '') : body;
  return { status: statusOf(answer), body: text === '' ? null : JSON.parse(text) };
}

/** 0: no answer at all. */
export function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);
}

export function open({ host, port, from }: Target): Socket {
  return connect({ host, port, ...(from === undefined ? {} : { localAddress: from }) });
}
