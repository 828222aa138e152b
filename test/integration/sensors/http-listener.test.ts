import { once } from 'node:events';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { NodeHttpListener } from '../../../agent/adapters/http-listener.ts';
import { EnvironmentFault } from '../../../agent/errors.ts';
import type { HttpBinding, HttpLimits, HttpListenOptions } from '../../../agent/ports/http.ts';
import { exchange, get, open, statusOf, type Target } from './raw-http.ts';

const bindings: HttpBinding[] = [];
const faults: unknown[] = [];

async function listen(options: Partial<HttpListenOptions> = {}): Promise<Target> {
  const binding = await new NodeHttpListener().listen({
    address: '127.0.0.1',
    port: 0,
    admits: () => true,
    handle: (request) => Response.json({ path: new URL(request.url).pathname }),
    onFault: (error) => faults.push(error),
    ...options,
  });
  bindings.push(binding);
  return { host: binding.address, port: binding.port };
}

const withLimits = (limits: Partial<HttpLimits>) => listen({ limits });

afterEach(async () => {
  await Promise.all(bindings.splice(0).map((binding) => binding.close()));
  expect(faults.splice(0)).toEqual([]);
});

describe('HTTP listener', () => {
  it.each(['127.0.0.1', '::1'])('answers on %s and nowhere else', async (address) => {
    const target = await listen({ address });
    expect(await get(target, '/a/b')).toEqual({ status: 200, body: { path: '/a/b' } });
    expect(await exchange({ host: '127.0.0.2', port: target.port }, 'GET / HTTP/1.1\r\n\r\n')).toBe('');
  });

  it('keeps a connection for further requests', async () => {
    const target = await listen();
    const request = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
    const answer = await exchange(target, request + request.replace('Host', 'Connection: close\r\nHost'));
    expect(answer.match(/HTTP\/1\.1 200/g)).toHaveLength(2);
  });

  it('cuts a stranger before his bytes are looked at', async () => {
    const asked: string[] = [];
    const admits = (remote: string) => {
      asked.push(remote);
      return remote === '127.0.0.5';
    };
    const target = await listen({ admits });
    expect(await exchange({ ...target, from: '127.0.0.9' }, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')).toBe('');
    expect((await get({ ...target, from: '127.0.0.5' }, '/')).status).toBe(200);
    expect(asked).toEqual(['127.0.0.9', '127.0.0.5']);
  });

  it('refuses a header that is too large, and goes on', async () => {
    const target = await listen();
    const answer = await exchange(target, `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`);
    expect([0, 431]).toContain(statusOf(answer));
    expect((await get(target, '/', `X: ${'x'.repeat(7_000)}\r\n`)).status).toBe(200);
    expect((await get(target, '/', `X: ${'x'.repeat(9_000)}\r\n`)).status).toBe(431);
  });

  it('ends a request whose headers come too slowly', async () => {
    const target = await withLimits({ headersTimeoutMs: 200, requestTimeoutMs: 400 });
    const answer = await exchange(target, 'GET / HTTP/1.1\r\nHost: a\r\n');
    expect(statusOf(answer)).toBe(408);
  });

  it('ends a connection that says nothing', async () => {
    const target = await withLimits({ idleTimeoutMs: 200 });
    expect(await exchange(target, '')).toBe('');
  });

  it('ends a connection that is kept without being used', async () => {
    const target = await withLimits({ keepAliveTimeoutMs: 200 });
    expect(statusOf(await exchange(target, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'))).toBe(200);
  });

  it('closes connections beyond the bound at once, and serves again when others leave', async () => {
    const target = await withLimits({ connections: 2 });
    const held = [open(target), open(target)];
    await Promise.all(held.map((socket) => once(socket, 'connect')));
    expect(await exchange(target, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')).toBe('');
    for (const socket of held) socket.destroy();
    await expect.poll(async () => (await exchangeStatus(target)) === 200, { timeout: 5_000 }).toBe(true);
  });

  it('cuts its connections when it is closed, and can be closed twice', async () => {
    const target = await listen();
    const socket = open(target);
    await once(socket, 'connect');
    const ended = once(socket, 'close');
    const [binding] = bindings;
    await Promise.all([binding?.close(), ended]);
    await binding?.close();
    expect(await exchange(target, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')).toBe('');
  });

  it('says that an address is not here, that a port is taken, and what to do', async () => {
    const absent = await listen({ address: '192.0.2.1' }).catch((error: unknown) => error);
    expect(absent).toBeInstanceOf(EnvironmentFault);
    expect(absent).toMatchObject({
      code: 'address-not-here',
      retryable: true,
      message: 'cannot listen on 192.0.2.1:0: no interface of this machine has that address (yet)',
    });
    const { port } = await listen();
    const taken = await listen({ port }).catch((error: unknown) => error);
    expect(taken).toMatchObject({ code: 'port-in-use', retryable: true });
    expect(taken).toHaveProperty(
      'message',
      expect.stringContaining(`127.0.0.1:${port}: another process listens there`),
    );
  });

  it('answers 500 with one sentence and reports it when the handler fails', async () => {
    const handle = () => {
      throw new RangeError('bug');
    };
    const answer = await get(await listen({ handle }), '/');
    expect(answer).toEqual({
      status: 500,
      body: { error: 'the request failed inside the agent: see its log' },
    });
    expect(faults.splice(0)).toHaveLength(1);
  });

  it('tells who asks, and cuts his connection when it is told to', async () => {
    const asked: string[] = [];
    const handle: HttpListenOptions['handle'] = (_, client) => {
      asked.push(client.remoteAddress);
      setImmediate(() => client.cut());
      return new Response(new ReadableStream());
    };
    const target = { ...(await listen({ handle })), from: '127.0.0.5' };
    expect(await exchange(target, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')).not.toContain('0\r\n\r\n');
    expect(asked).toEqual(['127.0.0.5']);
  });

  it('answers what is no request with 400 or silence, and still serves the next one', async () => {
    const target = await listen();
    const token = fc.oneof(
      fc.string({ unit: 'binary-ascii', maxLength: 30 }),
      fc.constantFrom(
        'GET',
        '/',
        '//x',
        '/%',
        '/\\',
        'http://a/b',
        '*',
        ' ',
        'HTTP/1.1',
        'HTTP/9.9',
        '\r\n',
        'Host: a',
      ),
      fc.constantFrom(
        'Host: [',
        'Host: a:99999',
        'Host: a/b',
        'Content-Length: -1',
        'Transfer-Encoding: chunked',
        '\0',
      ),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(token, { maxLength: 8 }), async (tokens) => {
        const answer = await exchange(
          target,
          `${tokens.join('')}\r\nConnection: close\r\n\r\n\r\n\0\0\r\n\r\n`,
        );
        expect(statusOf(answer)).toBeLessThan(500);
      }),
      { numRuns: 150 },
    );
    const line = fc.constantFrom(
      'GET /%',
      'GET //',
      'GET /\\',
      'GET http://b/c',
      'GET *',
      'CONNECT a:1',
      'TRACE /',
      'GET x',
    );
    const host = fc.constantFrom('a', '[', 'a:99999', 'a/b', 'a b', '', '[::1]', 'a@b', 'a?b', 'ü');
    await fc.assert(
      fc.asyncProperty(line, host, async (start, name) => {
        const answer = await exchange(
          target,
          `${start} HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\n\r\n`,
        );
        expect(statusOf(answer)).toBeLessThan(500);
      }),
    );
    expect((await get(target, '/')).status).toBe(200);
  });
});

async function exchangeStatus(target: Target): Promise<number> {
  return statusOf(await exchange(target, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'));
}
