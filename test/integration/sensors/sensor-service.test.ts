/** The whole of it on the machine that runs the test: real files, real clock, real sockets. */
import { afterEach, describe, expect, it } from 'vitest';
import { LinuxBoardFacts } from '../../../agent/adapters/board-facts.ts';
import { NodeHttpListener } from '../../../agent/adapters/http-listener.ts';
import { LinuxSysfs } from '../../../agent/adapters/sysfs.ts';
import { systemClock } from '../../../agent/adapters/system-clock.ts';
import { BUILT_IN_DRIVERS } from '../../../sensors/drivers/built-in-drivers.ts';
import type { Reading } from '../../../sensors/reading.ts';
import { SensorService } from '../../../sensors/sensor-service.ts';
import { openService } from '../../fakes/open-service.ts';
import { RecordingLog } from '../../fakes/recording-log.ts';
import { exchange, get, statusOf, type Target } from './raw-http.ts';

const MEMBER = '127.64.0.9';
let stop = async (): Promise<void> => {};
afterEach(() => stop());

async function start(): Promise<{ target: Target; log: RecordingLog; service: SensorService }> {
  const log = new RecordingLog();
  const sysfs = new LinuxSysfs();
  const service = new SensorService({
    drivers: BUILT_IN_DRIVERS,
    sysfs,
    facts: new LinuxBoardFacts(sysfs, log),
    clock: systemClock,
    log,
    httpListener: new NodeHttpListener(),
    intervalMs: 100,
    node: { id: 'abcdefghijklmnop', name: 'greenhouse' },
    overlayNetworks: ['127.64.0.0/16'],
    clockSynchronised: () => true,
    ...openService(systemClock, log),
  });
  stop = () => service.stop();
  await service.start(['127.64.0.7'], 0);
  const url = new URL(service.report().listening[0] ?? '');
  return { target: { host: '127.64.0.7', port: Number(url.port), from: MEMBER }, log, service };
}

async function numberOf(target: Target, id: string): Promise<number> {
  const { body } = await get(target, `/sensors/${id}`);
  expect(body).toMatchObject({ id, quality: 'ok', reason: null });
  return Number((body as Reading).value);
}

describe('sensor service on this machine', () => {
  it('serves plausible values with the first request', async () => {
    const { target } = await start();
    const total = await numberOf(target, 'memory-total');
    expect(total).toBeGreaterThan(16e6);
    expect(await numberOf(target, 'memory-available')).toBeLessThanOrEqual(total);
    expect(await numberOf(target, 'memory-used')).toBeLessThanOrEqual(1);
    expect(await numberOf(target, 'load-15m')).toBeGreaterThanOrEqual(0);
    expect(await numberOf(target, 'disk-root-total')).toBeGreaterThan(
      await numberOf(target, 'disk-root-free'),
    );
  });

  it('goes on sampling: uptime grows, and so does the sequence', async () => {
    const { target } = await start();
    const first = (await get(target, '/sensors/uptime')).body as Reading;
    await expect
      .poll(() => numberOf(target, 'uptime'), { timeout: 10_000 })
      .toBeGreaterThan(Number(first.value));
    expect(((await get(target, '/sensors/uptime')).body as Reading).seq).toBeGreaterThan(first.seq);
  });

  it('lists every sensor, each with unit, time, age and quality', async () => {
    const { target, service } = await start();
    const { status, body } = await get(target, '/sensors');
    expect(status).toBe(200);
    expect(body).toMatchObject({ node: 'abcdefghijklmnop', name: 'greenhouse', clockSynchronised: true });
    const { sensors } = body as { sensors: Reading[] };
    expect(sensors).toHaveLength(service.report().count);
    for (const reading of sensors.filter(({ value }) => value !== null)) {
      expect(Date.parse(reading.time ?? '')).toBeGreaterThan(0);
      expect(reading.ageMs).toBeGreaterThanOrEqual(0);
      expect(reading.unit === null).toBe(typeof reading.value === 'string');
    }
  });

  it('answers members of the overlay only, though the kernel would let anyone in', async () => {
    const { target, log } = await start();
    const request = 'GET /sensors HTTP/1.1\r\nHost: greenhouse\r\nConnection: close\r\n\r\n';
    expect(await exchange({ ...target, from: '127.0.0.1' }, request)).toBe('');
    expect(statusOf(await exchange(target, request))).toBe(200);
    expect(log.of('sensors.stranger-refused')).toEqual([{ remote: '127.0.0.1', refused: 1 }]);
  });

  it('takes no body and no method but GET and HEAD', async () => {
    const { target } = await start();
    const send = async (text: string) => statusOf(await exchange(target, text));
    expect(await send('POST /sensors HTTP/1.1\r\nHost: greenhouse\r\nContent-Length: 3\r\n\r\nabc')).toBe(
      405,
    );
    expect(await send('GET /sensors HTTP/1.1\r\nHost: greenhouse\r\nContent-Length: 3\r\n\r\nabc')).toBe(413);
    expect(
      await send('GET /sensors HTTP/1.1\r\nHost: greenhouse\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'),
    ).toBe(413);
    expect(await send('HEAD /sensors HTTP/1.1\r\nHost: greenhouse\r\nConnection: close\r\n\r\n')).toBe(200);
  });
});
