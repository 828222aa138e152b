import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ControlServer, openControlServer } from '../../../agent/adapters/unix-control-server.ts';
import { type ControlApi, createControlApi } from '../../../agent/control/control-api.ts';
import { EnvironmentFault } from '../../../agent/errors.ts';
import { FakeAgentControl, linkReport } from '../../fakes/fake-agent-control.ts';
import { RecordingLog } from '../../fakes/recording-log.ts';

let directory: string;
let control: FakeAgentControl;
let log: RecordingLog;
let api: ControlApi;
let server: ControlServer;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'tincan-api-'));
  control = new FakeAgentControl();
  log = new RecordingLog();
  api = createControlApi(control, log);
  server = await openControlServer(join(directory, 'control.sock'), api.fetch);
});

afterEach(async () => {
  api.close();
  await server.close();
  rmSync(directory, { recursive: true });
});

interface Answer {
  status: number;
  allow: string | undefined;
  json: unknown;
}

function ask(method: string, path: string, body: string | Buffer = ''): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-length': Buffer.byteLength(body) };
    const outgoing = request({ socketPath: server.path, method, path, headers, agent: false }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const json: unknown = text === '' ? null : JSON.parse(text);
        resolve({ status: incoming.statusCode ?? 0, allow: incoming.headers.allow, json });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

const failed = (reason: string, error: RegExp) => ({ reason, error: expect.stringMatching(error) });

describe('the control API over its socket', () => {
  it('lists its routes, each with a sentence, and each answers', async () => {
    const { json } = await ask('GET', '/v1');
    expect(json).toMatchObject({ name: 'tincan', version: '0.1.0' });
    const { routes } = json as { routes: { method: string; path: string; what: string }[] };
    expect(routes.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /v1',
      'GET /v1/status',
      'GET /v1/links',
      'POST /v1/links',
      'DELETE /v1/links/:target',
      'GET /v1/members',
      'GET /v1/members/:target',
      'POST /v1/ping',
      'GET /v1/events',
    ]);
    expect(routes.every(({ what }) => /^[A-Z].*\.$/.test(what))).toBe(true);
  });

  it('reports status and links as the agent gives them', async () => {
    expect(await ask('GET', '/v1/status')).toMatchObject({ status: 200, json: control.report });
    expect(await ask('GET', '/v1/links')).toMatchObject({ status: 200, json: { links: [linkReport()] } });
  });

  it('creates, trims and pings', async () => {
    control.rttsMs = [2.5];
    expect(await ask('POST', '/v1/links', '{"target":" greenhouse "}')).toMatchObject({
      status: 200,
      json: linkReport(),
    });
    expect(await ask('DELETE', '/v1/links/fd12%3A%3A7')).toMatchObject({ status: 200, json: linkReport() });
    expect(await ask('DELETE', '/v1/links/fd12::7')).toMatchObject({ status: 200 });
    expect(await ask('POST', '/v1/ping', '{"target":"10.64.0.7"}')).toMatchObject({
      status: 200,
      json: { name: 'greenhouse', path: 'fast', rttMs: 2.5 },
    });
    expect(control.asked).toEqual([
      'create greenhouse',
      'trim fd12::7',
      'trim fd12::7',
      'ping 10.64.0.7 3000',
    ]);
  });

  it('answers the agent’s refusals and faults by name', async () => {
    const none = '{"target":"nobody"}';
    expect(await ask('POST', '/v1/links', none)).toMatchObject({
      status: 404,
      json: failed('not-a-member', /nobody/),
    });
    expect(await ask('DELETE', '/v1/links/nobody')).toMatchObject({
      status: 404,
      json: failed('no-such-link', /nobody/),
    });
    expect(await ask('POST', '/v1/ping', '{"target":"greenhouse","timeoutMs":1}')).toMatchObject({
      status: 504,
      json: failed('no-answer', /did not answer/),
    });
    control.fault = new EnvironmentFault('no-privilege', 'the agent may not do that');
    expect(await ask('GET', '/v1/status')).toMatchObject({
      status: 503,
      json: failed('no-privilege', /may not/),
    });
  });

  it('tells of a bug without its stack, logs it with it, and goes on', async () => {
    control.fault = new TypeError('x is undefined');
    expect(await ask('GET', '/v1/links')).toMatchObject({
      status: 500,
      json: failed('internal', /x is undefined; its log/),
    });
    expect(log.of('control.failed')).toEqual([
      {
        method: 'GET',
        path: '/v1/links',
        problem: expect.stringMatching(/^TypeError: x is undefined\n +at /),
      },
    ]);
    control.fault = null;
    expect((await ask('GET', '/v1/links')).status).toBe(200);
  });

  it.each([
    ['', /^the body "" is not JSON/],
    ['{', /is not JSON/],
    ['null', /must be a JSON object/],
    ['[]', /must be a JSON object/],
    ['{}', /must be a JSON object with "target"/],
    ['{"target":"a","extra":1}', /and nothing else/],
    ['{"target":1}', /"target" must be text/],
    ['{"target":"  "}', /"target" is empty/],
    [JSON.stringify({ target: 'x'.repeat(256) }), /longer than 255/],
    ['{"__proto__":{"target":"a"}}', /must be a JSON object/],
  ])('refuses the body %j in one sentence', async (body, sentence) => {
    for (const path of ['/v1/links', '/v1/ping']) {
      expect(await ask('POST', path, body)).toMatchObject({
        status: 400,
        json: failed('bad-request', sentence),
      });
    }
    expect(control.asked).toEqual([]);
  });

  it.each(['0', '-1', '1.5', '60001', '"1000"', 'null', '1e999'])(
    'refuses %s for timeoutMs',
    async (timeoutMs) => {
      const answer = await ask('POST', '/v1/ping', `{"target":"a","timeoutMs":${timeoutMs}}`);
      expect(answer).toMatchObject({ status: 400, json: failed('bad-request', /from 1 to 60000/) });
    },
  );

  it('answers 404, 405 with Allow, and 413', async () => {
    expect(await ask('GET', '/')).toMatchObject({
      status: 404,
      json: failed('no-such-route', /GET \/v1 lists/),
    });
    expect(await ask('GET', '/v2/status')).toMatchObject({ status: 404 });
    expect(await ask('POST', '/v1/status')).toMatchObject({
      status: 405,
      allow: 'GET, HEAD',
      json: failed('method-not-allowed', /takes GET, not POST/),
    });
    expect(await ask('PUT', '/v1/links')).toMatchObject({ status: 405, allow: 'GET, HEAD, POST' });
    expect(await ask('GET', '/v1/links/x')).toMatchObject({ status: 405, allow: 'DELETE' });
    expect(await ask('POST', '/v1/links', Buffer.alloc(20_000))).toMatchObject({
      status: 413,
      json: failed('body-too-large', /16384 bytes/),
    });
  });

  it('answers any body and any path with JSON, never with 500, and lives on', async () => {
    const paths = fc.oneof(
      fc.constantFrom('/v1/links', '/v1/ping'),
      fc.webPath().map((path) => `/v1/links${path}`),
    );
    const bodies = fc.oneof(
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
      fc.json().map((text) => Buffer.from(text)),
      fc
        .record({ target: fc.anything(), timeoutMs: fc.anything() })
        .map((value) => Buffer.from(JSON.stringify(value))),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('POST', 'DELETE', 'PATCH'),
        paths,
        bodies,
        async (method, path, body) => {
          const { status, json } = await ask(method, path, body);
          expect([400, 404, 405, 504]).toContain(status);
          expect(json).toMatchObject({
            error: expect.any(String),
            reason: expect.stringMatching(/^[a-z-]+$/),
          });
        },
      ),
      { numRuns: 150 },
    );
    expect((await ask('GET', '/v1/status')).status).toBe(200);
  });
});
