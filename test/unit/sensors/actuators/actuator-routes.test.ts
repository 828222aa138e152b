import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import formats from 'ajv-formats';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { ScriptedActuator } from '../../../fakes/scripted-actuator.ts';
import { served, thermometer } from '../services/served-sensors.ts';

const OPERATOR = '10.64.0.2';
const GUEST = '10.64.0.9';
const DIMMER = { kind: 'integer', minimum: 0, maximum: 255 } as const;
const ORIGIN = 'http://10.64.0.7';
const JSON_BODY = { 'content-type': 'application/json' };

async function setUp(options: Parameters<typeof served>[1] = {}) {
  const pump = new ScriptedActuator('output-pump');
  const led = new ScriptedActuator('led-act', 10_000, DIMMER);
  const all = await served([thermometer()], { actuators: [pump, led], ...options });
  all.readers.give(OPERATOR, 'operator');
  const put = (path: string, body: string, headers: Record<string, string> = JSON_BODY, from = OPERATOR) =>
    all.app.request(`${ORIGIN}${path}`, { method: 'PUT', body, headers }, from);
  return { ...all, pump, led, put };
}

describe('actuator routes', () => {
  let all: Awaited<ReturnType<typeof setUp>>;
  beforeEach(async () => {
    all = await setUp();
  });

  it('list the actuators to whoever may read', async () => {
    const response = await all.app.request('/actuators', {}, GUEST);
    expect(await response.json()).toMatchObject({
      actuators: [
        { id: 'output-pump', kind: 'boolean', value: false },
        { id: 'led-act', kind: 'integer', minimum: 0, maximum: 255 },
      ],
    });
    expect(await (await all.app.request('/actuators/led-act', {}, GUEST)).json()).toMatchObject({
      id: 'led-act',
      value: 0,
      setBy: null,
    });
    expect(await (await all.app.request('/actuators/output-pump/value', {}, GUEST)).json()).toBe(false);
    expect((await all.app.request('/actuators/nope', {}, GUEST)).status).toBe(404);
  });

  it('PUT sets one, and answers with its state', async () => {
    const response = await all.put('/actuators/output-pump', '{"value":true,"for":5}');
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      value: true,
      remainingMs: 5_000,
      setBy: { name: 'member-2' },
    });
    expect(all.pump.level).toBe(true);
    expect((await all.put('/actuators/led-act/value', '17')).status).toBe(200);
    expect(all.led.level).toBe(17);
  });

  it.each([
    ['/actuators/output-pump', '{"value":1}', 400, 'give true or false'],
    ['/actuators/output-pump', '{"value":', 400, 'says no value'],
    ['/actuators/output-pump', '', 400, 'says no value'],
    ['/actuators/led-act/value', '256', 400, 'from 0 to 255'],
    ['/actuators/led-act/value', '', 400, 'is no value'],
    ['/actuators/nope', '{"value":true}', 404, 'there is no actuator'],
    ['/actuators/output-pump', `{"value":"${'x'.repeat(2_000)}"}`, 413, 'more than 1024 bytes'],
  ])('PUT %s %s is answered %i', async (path, body, status, sentence) => {
    const response = await all.put(path, body);
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({ error: expect.stringContaining(sentence) });
    expect(all.pump.level).toBe(false);
  });

  it('refuses a body that is longer than it said, or has another type', async () => {
    const stream = new ReadableStream({
      pull: (controller) => controller.enqueue(Buffer.alloc(600, ' ')),
    });
    const init = { method: 'PUT', body: stream, headers: JSON_BODY, duplex: 'half' } as RequestInit;
    expect((await all.app.request(`${ORIGIN}/actuators/output-pump`, init, OPERATOR)).status).toBe(413);
    for (const type of ['text/plain', 'application/jsonx', 'application/x-www-form-urlencoded']) {
      expect(
        (await all.put('/actuators/output-pump', '{"value":true}', { 'content-type': type })).status,
      ).toBe(415);
    }
    expect(all.pump.level).toBe(false);
  });

  it('refuses whoever lacks the tag with 403 and its name, and a stranger', async () => {
    const refused = await all.put('/actuators/output-pump', '{"value":true}', JSON_BODY, GUEST);
    expect(refused.status).toBe(403);
    expect(await refused.json()).toEqual({ error: expect.stringContaining('lacks the tag operator') });
    all.readers.strangers.add('10.64.0.66');
    for (const path of ['/', '/sensors', '/events', '/metrics', '/senml', '/healthz', '/page.js']) {
      expect((await all.app.request(path, {}, '10.64.0.66')).status).toBe(403);
    }
    const stranger = await all.put('/actuators/output-pump', '{"value":true}', JSON_BODY, '10.64.0.66');
    expect(stranger.status).toBe(403);
    expect(all.pump.level).toBe(false);
  });

  it('refuses a page of another site, which a member’s browser may have open', async () => {
    const headers = { ...JSON_BODY, origin: 'http://evil.example' };
    expect((await all.put('/actuators/output-pump', '{"value":true}', headers)).status).toBe(403);
    expect(all.pump.level).toBe(false);
    const own = { ...JSON_BODY, origin: ORIGIN };
    expect((await all.put('/actuators/output-pump', '{"value":true}', own)).status).toBe(200);
  });

  it('takes no other method, and no PUT elsewhere', async () => {
    for (const method of ['POST', 'DELETE', 'PATCH', 'OPTIONS']) {
      const response = await all.app.request('/actuators/output-pump', { method }, OPERATOR);
      expect(response.status).toBe(405);
      expect(response.headers.get('allow')).toBe('GET, HEAD, PUT');
    }
    for (const path of ['/actuators', '/sensors/greenhouse-air', '/', '/actuators/a/b/c']) {
      expect((await all.put(path, '{"value":true}')).status).toBe(405);
    }
  });

  it('answers any PUT with a status of its own, and never fails', async () => {
    const path = fc.array(fc.oneof(fc.string(), fc.constantFrom('%', '%2f', '..', 'value', 'output-pump')), {
      maxLength: 3,
    });
    await fc.assert(
      fc.asyncProperty(path, fc.string(), fc.string(), async (parts, body, type) => {
        await all.clock.advance(200);
        const asked = `/actuators/${parts.join('/')}`;
        const to = URL.canParse(`${ORIGIN}${asked}`) ? asked : '/actuators/x';
        const headers = { 'content-type': /^[\x20-\x7e]*$/.test(type) ? type : 'application/json' };
        const { status } = await all.put(to, body, headers);
        expect([400, 404, 405, 413, 415]).toContain(status);
      }),
    );
    expect(all.faults).toEqual([]);
    expect(all.pump.level).toBe(false);
  });
});

describe('access to services', () => {
  it('is by tags where the policy says so', async () => {
    const policy = { read: ['dashboard'], command: ['operator'] };
    const { app, readers } = await setUp({ policy });
    readers.give('10.64.0.5', 'dashboard');
    for (const path of ['/', '/sensors', '/actuators', '/metrics', '/.well-known/wot', '/nowhere']) {
      const refused = await app.request(path, {}, GUEST);
      expect(refused.status).toBe(403);
      expect(await refused.text()).toContain('the tag dashboard');
      expect((await app.request(path, {}, '10.64.0.5')).status).toBe(path === '/nowhere' ? 404 : 200);
    }
  });

  it('is bounded in rate for each member by itself', async () => {
    const { app, clock } = await setUp({ requestsPerSecond: 10 });
    const statusOf = async (from: string) => (await app.request('/healthz', {}, from)).status;
    for (let n = 0; n < 30; n++) expect(await statusOf(GUEST)).toBe(200);
    const refused = await app.request('/healthz', {}, GUEST);
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(await statusOf('10.64.0.8')).toBe(200);
    await clock.advance(1_000);
    const answers = await Promise.all(Array.from({ length: 20 }, () => statusOf(GUEST)));
    expect(answers.filter((status) => status === 200)).toHaveLength(10);
  });
});

describe('actuators as Things', () => {
  const schema = JSON.parse(
    readFileSync(new URL('../../../golden/w3c/td-json-schema-validation.json', import.meta.url), 'utf8'),
  ) as object;
  const ajv = new Ajv({ strict: false, allErrors: true });
  formats.default(ajv);
  const validate = ajv.compile(schema);

  async function thingFor(from: string) {
    const { app } = await setUp();
    return (await (await app.request(`${ORIGIN}/.well-known/wot`, {}, from)).json()) as {
      properties: Record<string, unknown>;
      actions: Record<string, unknown>;
    };
  }

  it('have properties to write and actions, valid under the official schema', async () => {
    const thing = await thingFor(OPERATOR);
    validate(thing);
    expect(validate.errors ?? []).toEqual([]);
    expect(thing.properties['led-act']).toMatchObject({
      type: 'integer',
      minimum: 0,
      maximum: 255,
      readOnly: false,
      forms: [
        { href: 'actuators/led-act/value', op: ['readproperty', 'writeproperty'] },
        { href: 'actuators/led-act/events', subprotocol: 'sse' },
      ],
    });
    expect(thing.actions['set-output-pump']).toMatchObject({
      idempotent: true,
      input: { properties: { value: { type: 'boolean' } }, required: ['value'] },
      forms: [{ href: 'actuators/output-pump', op: 'invokeaction', 'htv:methodName': 'PUT' }],
    });
  });

  it('are read-only, and have no actions, for whoever may not set them', async () => {
    const thing = await thingFor(GUEST);
    validate(thing);
    expect(validate.errors ?? []).toEqual([]);
    expect(thing.actions).toEqual({});
    expect(thing.properties['output-pump']).toMatchObject({
      readOnly: true,
      forms: [{ op: ['readproperty'] }, { op: ['observeproperty', 'unobserveproperty'] }],
    });
  });
});

describe('actuators on the page', () => {
  const pageFor = async (from: string) => {
    const { app } = await setUp();
    return (await app.request(`${ORIGIN}/`, { headers: { accept: 'text/html' } }, from)).text();
  };

  it('have a control each for whoever may set them', async () => {
    const page = await pageFor(OPERATOR);
    expect(page).toContain('<button type="button" role="switch" aria-checked="false"');
    expect(page).toContain('<input type="range" min="0" max="255" step="1" value="0"');
  });

  it('are shown without one to everybody else', async () => {
    const page = await pageFor(GUEST);
    expect(page).toContain('<span class="value">off</span>');
    expect(page).not.toMatch(/<button|<input/);
  });
});
