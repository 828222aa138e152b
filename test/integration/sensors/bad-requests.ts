/** What careless and hostile clients send: requests, requests for a WebSocket with frames, and datagrams. */
import { generate } from 'coap-packet';
import fc from 'fast-check';

const path = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '/sensors',
        '/uptime',
        '/history',
        '/value',
        '/metrics',
        '/senml',
        '/.well-known/wot',
        '/page.js',
      ),
      fc.constantFrom(
        '/..',
        '//',
        '/%',
        '/%00',
        '/%2e%2e%2f',
        '/%ff',
        '?since=',
        '?max=-1',
        '&max=9e9',
        '/__proto__',
        '\\',
      ),
      fc.constantFrom(
        '/constructor',
        '?since=9999999999s',
        '?since=1h',
        '/sensors/toString/value',
        'http://evil/',
      ),
      fc.string({ maxLength: 20 }).map((text) => encodeURIComponent(text)),
      fc.nat(6_000).map((length) => 'x'.repeat(length)),
    ),
    { maxLength: 5 },
  )
  .map((parts) => (parts[0]?.startsWith('/') ? '' : '/') + parts.join(''))
  // A followed stream does not end by itself.
  .filter((text) => !text.includes('/events'));
const header = fc.oneof(
  fc
    .tuple(
      fc.constantFrom(
        'Accept',
        'Last-Event-ID',
        'Range',
        'Origin',
        'Cookie',
        'Expect',
        'Upgrade',
        'X-HTTP-Method-Override',
        'If-None-Match',
      ),
      fc.oneof(
        fc.string({ maxLength: 60 }),
        fc.constantFrom('*/*;q=9', 'a/b;q=-1', '100-continue', 'websocket', 'bytes=0-', 'DELETE'),
      ),
    )
    .map(([name, value]) => `${name}: ${value}\r\n`),
  fc.constantFrom(
    'Content-Length: 5\r\n',
    'Content-Length: 99999999999999999999\r\n',
    'Transfer-Encoding: chunked\r\n',
    'Host: a\r\n',
  ),
  fc.nat(20_000).map((length) => `X: ${'y'.repeat(length)}\r\n`),
  fc.nat(100).map((count) => 'A: b\r\n'.repeat(count)),
);
/** HTTP as it should not be; some of it is right by chance. */
export const badRequest = fc
  .tuple(
    fc.oneof(
      { weight: 6, arbitrary: fc.constant('GET') },
      fc.constantFrom(
        'HEAD',
        'POST',
        'PUT',
        'DELETE',
        'OPTIONS',
        'TRACE',
        'CONNECT',
        'PROPFIND',
        'get',
        'X',
        '',
      ),
    ),
    path,
    fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, fc.array(header, { minLength: 1, maxLength: 3 })),
    fc.constantFrom('', '', '', '', '', '\0\0\0', '{"value":1}', 'GET / HTTP/1.1\r\n\r\n'),
  )
  .map(
    ([method, where, headers, body]) =>
      `${method} ${where} HTTP/1.1\r\nHost: greenhouse.local\r\nConnection: close\r\n${headers.join('')}\r\n${body}\r\n\r\n`,
  );

const upgradeHeader = fc.constantFrom(
  'Upgrade: websocket\r\n',
  'Connection: Upgrade\r\n',
  'Sec-WebSocket-Version: 13\r\n',
  'Sec-WebSocket-Version: 8\r\n',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n',
  'Sec-WebSocket-Key: short\r\n',
  'Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=99\r\n',
  'Sec-WebSocket-Protocol: a, a\r\n',
  'Origin: http://evil.example\r\n',
  'Last-Event-ID: x.-1\r\n',
);
const RIGHT =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
/** `Host` is up to the caller's own; half of the sockets open, and are sent what no client may send. */
export const badSocket = fc
  .tuple(
    fc.constantFrom('/ws', '/ws?since=%ff', '/ws?since=a.1', '/wss', '/ws/'),
    fc.oneof(
      fc.constant(RIGHT),
      fc.array(upgradeHeader, { maxLength: 6 }).map((lines) => lines.join('')),
    ),
    fc.uint8Array({ minLength: 2, maxLength: 300 }),
  )
  .map(([path, headers, frames]) => ({
    head: `GET ${path} HTTP/1.1\r\nHost: greenhouse.local\r\n${headers}\r\n`,
    // Unmasked, which ends the connection at the latest here (RFC 6455 section 5.1).
    frames: Buffer.concat([frames, Buffer.from([0x81, 0x01, 0x78])]),
  }));

const coapHeader = fc.tuple(
  fc.constantFrom(0x40, 0x48, 0x50, 0x60, 0x70, 0x4f),
  fc.nat(255),
  fc.nat(255),
  fc.nat(255),
);
/** Of the right form, and wrong in what it asks. */
const badCoapRequest = fc
  .tuple(
    fc.constantFrom('GET', 'PUT', 'POST', 'DELETE', '0.05', '0.31'),
    fc.array(fc.oneof(fc.constantFrom('sensors', 'actuators', '..', 'x'), fc.string({ maxLength: 40 })), {
      maxLength: 5,
    }),
    fc.array(
      fc.tuple(fc.constantFrom(6, 9, 12, 17, 23, 27, 35, 39, 60, 65_001), fc.uint8Array({ maxLength: 9 })),
      {
        maxLength: 3,
      },
    ),
    fc.nat(65_535),
    fc.string({ maxLength: 200 }),
  )
  .map(([code, path, options, messageId, payload]) =>
    generate({
      code,
      messageId,
      confirmable: true,
      options: [
        ...path.map((part) => ({ name: 'Uri-Path' as const, value: Buffer.from(part) })),
        ...options.map(([name, value]) => ({ name, value: Buffer.from(value) })),
      ],
      payload: Buffer.from(payload),
    }),
  );
export const badDatagram = fc.oneof(
  badCoapRequest,
  fc.uint8Array({ maxLength: 1_200 }),
  fc
    .tuple(coapHeader, fc.uint8Array({ maxLength: 200 }))
    .map(([head, rest]) => Uint8Array.from([...head, ...rest])),
);
