/** Commands over real sockets: good ones, a thousand bad ones, and clients that are slow or greedy. */
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { LinuxSysfs } from '../../../agent/adapters/sysfs.ts';
import { systemClock } from '../../../agent/adapters/system-clock.ts';
import { Actuators } from '../../../sensors/actuators.ts';
import type { Reading } from '../../../sensors/reading.ts';
import { FakeReaders, OPEN_POLICY } from '../../fakes/fake-readers.ts';
import { RecordingLog } from '../../fakes/recording-log.ts';
import { driverOf, ScriptedActuator } from '../../fakes/scripted-actuator.ts';
import { exchange, get, open, statusOf, type Target } from './raw-http.ts';
import { MEMBER, startService } from './real-service.ts';

const ADDRESS = '127.64.0.6';
const OPERATOR = '127.64.0.2';
const INTERVAL_MS = 100;
let stop = async (): Promise<void> => {};
afterEach(() => stop());

async function start(requestsPerSecond = 100_000) {
  const log = new RecordingLog();
  const sysfs = new LinuxSysfs();
  const pump = new ScriptedActuator();
  const wallMs = () => systemClock.wallMs();
  const drivers = [driverOf(pump)];
  const actuators = new Actuators({
    drivers,
    policy: () => OPEN_POLICY,
    sysfs,
    clock: systemClock,
    log,
    wallMs,
  });
  await actuators.discover();
  const readers = new FakeReaders().give(OPERATOR, 'operator');
  const { service, target } = await startService(ADDRESS, {
    log,
    other: { readers, actuators, requestsPerSecond },
  });
  stop = () => service.stop();
  const from = (client: string): Target => ({ ...target, from: client });
  return { service, pump, log, actuators, operator: from(OPERATOR), member: from(MEMBER) };
}

const put = (path: string, body: string, headers = '') =>
  `PUT ${path} HTTP/1.1\r\nHost: ${ADDRESS}\r\nConnection: close\r\nContent-Type: application/json\r\n${headers}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

/** How many readings of the uptime there were until now. */
async function sampled(target: Target): Promise<number> {
  const { body } = await get(target, '/sensors/uptime/history?since=1h');
  return (body as { readings: Reading[] }).readings.length;
}

const badPut = fc
  .tuple(
    fc.oneof(
      fc.constantFrom('/actuators/output-pump', '/actuators/output-pump/value', '/actuators', '/actuators/x'),
      fc
        .array(fc.constantFrom('actuators', 'output-pump', '..', '%2f', '%00', '%', 'value'), {
          maxLength: 4,
        })
        .map((parts) => `/${parts.join('/')}`),
    ),
    fc.oneof(
      fc.constantFrom(
        '',
        '{',
        '{}',
        '[]',
        '"on"',
        '{"value":1}',
        '{"value":null}',
        '{"value":true,"for":-1}',
        '{"__proto__":{"value":true}}',
      ),
      fc.nat(5_000).map((length) => 'x'.repeat(length)),
      fc.nat(500).map((depth) => '['.repeat(depth)),
    ),
    fc.constantFrom(
      '',
      '',
      'Origin: http://evil.example\r\n',
      'Host: evil.example\r\n',
      'Content-Length: 3\r\n',
      'Transfer-Encoding: chunked\r\n',
      'Content-Type: text/plain\r\n',
      `X: ${'y'.repeat(9_000)}\r\n`,
    ),
  )
  .map((parts) => put(...parts));

describe('actuators over real sockets', () => {
  it('are set by whoever may, with one audit line', async () => {
    const { pump, log, operator, member } = await start();
    expect(statusOf(await exchange(operator, put('/actuators/output-pump', '{"value":true}')))).toBe(200);
    expect(pump.level).toBe(true);
    expect(statusOf(await exchange(member, put('/actuators/output-pump', '{"value":false}')))).toBe(403);
    expect(pump.level).toBe(true);
    expect(log.of('actuator.set')).toHaveLength(1);
    expect(log.of('actuator.refused')).toMatchObject([{ result: 'not-allowed', via: 'http' }]);
  });

  it('are changed in nothing by 1,000 bad requests, and the sensors are read as before', async () => {
    const { pump, log, operator, member, service } = await start();
    const { count } = service.report();
    const before = await sampled(member);
    const startedMs = performance.now();
    const statuses: Record<string, number> = {};
    await fc.assert(
      fc.asyncProperty(badPut, async (bytes) => {
        const status = statusOf(await exchange(operator, bytes));
        statuses[status] = (statuses[status] ?? 0) + 1;
        expect(status).toBeGreaterThanOrEqual(400);
        expect(status).toBeLessThan(500);
      }),
      { numRuns: 1_000 },
    );
    const rounds = (performance.now() - startedMs) / INTERVAL_MS;
    process.stdout.write(`  1,000 bad commands: ${JSON.stringify(statuses)}\n`);
    expect(pump.done).toEqual(['open']);
    // Half of the readings: the machine that runs the test has other work too.
    expect((await sampled(member)) - before).toBeGreaterThan(Math.min(rounds, 900) / 2 - 1);
    expect(service.report().count).toBe(count);
    expect(log.of('sensors.request-failed')).toEqual([]);
    expect(log.of('actuator.refused').length).toBeLessThan(20 + (10 * rounds * INTERVAL_MS) / 1_000 + 2);
    expect(statusOf(await exchange(member, put('/actuators/output-pump', '{}')))).toBe(403);
  }, 120_000);

  it('do not wait for a client that sends its command byte by byte', async () => {
    const { pump, operator, member } = await start();
    const slow = Array.from({ length: 10 }, () => {
      const socket = open(operator);
      socket.on('error', () => undefined);
      socket.write(put('/actuators/output-pump', '{"value":true}').slice(0, -1));
      return socket;
    });
    expect(statusOf(await exchange(member, put('/actuators/output-pump', '{"value":true}')))).toBe(403);
    expect(statusOf(await exchange(operator, put('/actuators/output-pump', '{"value":true}')))).toBe(200);
    expect(pump.level).toBe(true);
    for (const socket of slow) socket.destroy();
  });

  it('leave a member what another one asks too much', async () => {
    const { operator, member } = await start(1);
    const request = `GET /healthz HTTP/1.1\r\nHost: ${ADDRESS}\r\nConnection: close\r\n\r\n`;
    const answers = await Promise.all(Array.from({ length: 50 }, () => exchange(member, request)));
    const refused = answers.filter((answer) => statusOf(answer) === 429);
    expect(refused.length).toBeGreaterThan(30);
    expect(refused[0]).toMatch(/retry-after: 1\r\n/i);
    expect(statusOf(await exchange(operator, request))).toBe(200);
  });
});
