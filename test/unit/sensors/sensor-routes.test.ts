import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { EnvironmentFault } from '../../../agent/errors.ts';
import { sensorRoutes } from '../../../sensors/sensor-routes.ts';
import { ScriptedSensor } from '../../fakes/scripted-sensor.ts';
import { NODE, served } from './services/served-sensors.ts';

async function setUp(clockIsSet = true) {
  const broken = new ScriptedSensor('broken');
  broken.answer = new EnvironmentFault('no-data', 'the chip is off');
  return served([new ScriptedSensor('cpu-temperature'), broken], { clockIsSet });
}

describe('sensor routes', () => {
  let app: Awaited<ReturnType<typeof setUp>>['app'];
  beforeEach(async () => {
    app = (await setUp()).app;
  });

  it('GET / points to the sensors', async () => {
    const response = await app.request('/');
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      node: NODE.id,
      name: NODE.name,
      sensors: '/sensors',
      events: '/events',
      webSocket: '/ws',
      senml: '/senml',
      metrics: '/metrics',
      actuators: '/actuators',
      thing: '/.well-known/wot',
      health: '/healthz',
    });
  });

  it('GET /sensors lists every sensor with node and time', async () => {
    const body: unknown = await (await app.request('/sensors')).json();
    expect(body).toMatchObject({
      node: NODE.id,
      name: NODE.name,
      time: '2026-11-01T00:00:00.000Z',
      clockSynchronised: true,
    });
    expect(body).toHaveProperty('sensors.0.id', 'cpu-temperature');
    expect(body).toHaveProperty('sensors.1.quality', 'error');
  });

  it('GET /sensors gives no time while the clock is not set', async () => {
    const unset = await setUp(false);
    const body: unknown = await (await unset.app.request('/sensors')).json();
    expect(body).toMatchObject({
      time: null,
      clockSynchronised: false,
      sensors: [{ time: null, ageMs: 0 }, {}],
    });
  });

  it('GET /sensors/:id gives one reading, which may not be cached', async () => {
    const response = await app.request('/sensors/cpu-temperature');
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(await response.json()).toMatchObject({
      id: 'cpu-temperature',
      value: 20,
      unit: 'Cel',
      quality: 'ok',
    });
  });

  it('answers 503 with the reason for a sensor that was never read', async () => {
    const response = await app.request('/sensors/broken');
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('5');
    expect(await response.json()).toEqual({ error: 'sensor broken has no value yet: the chip is off' });
  });

  it('answers 404 with one sentence for a sensor or a path that is not there', async () => {
    const sensor = await app.request('/sensors/nope');
    expect(sensor.status).toBe(404);
    expect(await sensor.json()).toEqual({
      error: 'there is no sensor "nope": GET /sensors lists those there are',
    });
    expect((await app.request('/nowhere')).status).toBe(404);
  });

  it('does not repeat a long path in full', async () => {
    const body = await (await app.request(`/sensors/${'x'.repeat(5_000)}`)).text();
    expect(body.length).toBeLessThan(200);
  });

  it('GET /sensors/:id/value gives the bare value', async () => {
    expect(await (await app.request('/sensors/cpu-temperature/value')).json()).toBe(20);
    expect((await app.request('/sensors/broken/value')).status).toBe(503);
    expect((await app.request('/sensors/nope/value')).status).toBe(404);
  });

  it('GET /healthz counts the sensors', async () => {
    expect(await (await app.request('/healthz')).json()).toEqual({ status: 'ok', sensors: 2, notOk: 1 });
  });

  it('HEAD answers like GET, without a body', async () => {
    const response = await app.request('/sensors', { method: 'HEAD' });
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('');
  });

  it.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND'])(
    'refuses %s everywhere',
    async (method) => {
      for (const path of ['/', '/sensors', '/sensors/cpu-temperature', '/nowhere']) {
        const response = await app.request(path, { method });
        expect(response.status).toBe(405);
        expect(response.headers.get('allow')).toBe('GET, HEAD');
        expect(await response.json()).toHaveProperty('error');
      }
    },
  );

  it.each([{ 'content-length': '5' }, { 'transfer-encoding': 'chunked' }])(
    'refuses a body: %j',
    async (headers) => {
      expect((await app.request('/sensors', { headers })).status).toBe(413);
    },
  );

  it('answers any path with 200, 404 or 405, and never fails', async () => {
    const method = fc.constantFrom('GET', 'HEAD', 'POST', 'OPTIONS');
    const path = fc.array(
      fc.oneof(
        fc.string(),
        fc.constantFrom('sensors', '/', '//', '..', '%', '%00', '%ff', '%2e%2e', '?', '*', ':id'),
      ),
      { maxLength: 6 },
    );
    const { app: fuzzed, faults } = await setUp();
    await fc.assert(
      fc.asyncProperty(method, path, async (name, parts) => {
        const url = URL.canParse(`http://x/${parts.join('/')}`) ? `http://x/${parts.join('/')}` : 'http://x/';
        const response = await fuzzed.request(url, { method: name });
        expect([200, 404, 405]).toContain(response.status);
      }),
    );
    expect(faults).toEqual([]);
  });

  it('answers 500 and reports it when reading itself fails', async () => {
    const { services, actuators, gate, events, faults } = await setUp();
    const readings = () => {
      throw new RangeError('bug');
    };
    const source = { readings, reading: () => null, labels: () => ({}) };
    const onFault = (error: unknown) => faults.push(error);
    const failing = sensorRoutes({
      ...services,
      source,
      events,
      actuators,
      gate,
      isOwnHost: () => true,
      webSocket: true,
      onFault,
    });
    const response = await failing.request(
      '/sensors',
      {},
      {
        remoteAddress: '10.64.0.9',
        cut: () => undefined,
      },
    );
    expect(response.status).toBe(500);
    expect(await response.json()).toEqual({ error: 'the request failed inside the agent: see its log' });
    expect(faults).toHaveLength(1);
  });
});
