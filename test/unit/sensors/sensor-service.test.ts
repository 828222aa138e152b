import { describe, expect, it } from 'vitest';
import { EnvironmentFault } from '../../../agent/errors.ts';
import type { HttpBinding, HttpListener, HttpListenOptions } from '../../../agent/ports/http.ts';
import { BUILT_IN_DRIVERS } from '../../../sensors/drivers/built-in-drivers.ts';
import { SensorService } from '../../../sensors/sensor-service.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';
import { openService } from '../../fakes/open-service.ts';
import { RecordingLog } from '../../fakes/recording-log.ts';
import { NO_FACTS, raspberryPi } from './raspberry-pi.ts';

/** A network stack in memory: which addresses there are, and what is bound. */
class FakeHttpListener implements HttpListener {
  readonly here = new Set(['10.64.0.7', 'fd12::7']);
  readonly bound: HttpListenOptions[] = [];
  bindings = 0;

  async listen(options: HttpListenOptions): Promise<HttpBinding> {
    const { address, port } = options;
    if (!this.here.has(address)) {
      throw new EnvironmentFault('address-not-here', `no ${address} here`, { retryable: true });
    }
    this.bindings++;
    this.bound.push(options);
    const close = async () => void this.bound.splice(this.bound.indexOf(options), 1);
    return { address, port, close };
  }
}

function setUp() {
  const clock = new ManualClock();
  const log = new RecordingLog();
  const sysfs = raspberryPi();
  const httpListener = new FakeHttpListener();
  const service = new SensorService({
    drivers: BUILT_IN_DRIVERS,
    sysfs,
    facts: NO_FACTS,
    clock,
    log,
    httpListener,
    intervalMs: 5_000,
    node: { id: 'abcdefghijklmnop', name: 'greenhouse' },
    overlayNetworks: ['10.64.0.0/16', 'fd12::/64'],
    clockSynchronised: () => true,
    ...openService(clock, log),
    random: () => 0.5,
  });
  const get = async (path: string): Promise<unknown> => {
    const response = await httpListener.bound[0]?.handle(new Request(`http://10.64.0.7${path}`), {
      remoteAddress: '10.64.0.9',
      cut: () => undefined,
    });
    return response?.json();
  };
  return { clock, log, sysfs, httpListener, service, get };
}

describe('sensor service', () => {
  it('has values for the first request', async () => {
    const { service, get } = setUp();
    await service.start(['10.64.0.7', 'fd12::7'], 80);
    expect(await get('/sensors/cpu-temperature')).toMatchObject({
      value: 48.312,
      quality: 'ok',
      seq: expect.any(Number),
    });
    expect(service.report()).toEqual({
      count: 15,
      stale: 0,
      actuators: 0,
      followers: 0,
      listening: ['http://10.64.0.7/', 'http://[fd12::7]/'],
    });
  });

  it('serves the other sensors while one hangs at the start', async () => {
    const { service, sysfs, clock, get } = setUp();
    sysfs.hang('/sys/class/thermal/thermal_zone0/temp');
    const started = service.start(['10.64.0.7'], 8080);
    await clock.advance(500);
    await started;
    expect(service.report().listening).toEqual(['http://10.64.0.7:8080/']);
    expect(await get('/sensors/load-1m')).toMatchObject({ value: 0.3 });
    expect(await get('/sensors/cpu-temperature')).toHaveProperty('error');
  });

  it('finds sensors that appear later, and reads them at once', async () => {
    const { service, sysfs, clock, get } = setUp();
    await service.start(['10.64.0.7'], 80);
    const net = `${await sysfs.read('/proc/net/dev')}\n tincan0: 7 0 0 0 0 0 0 0 8 0 0 0 0 0 0 0`;
    sysfs.put('/proc/net/dev', net);
    await clock.advance(60_000);
    expect(await get('/sensors/net-tincan0-rx-bytes')).toMatchObject({ value: 7 });
  });

  it('admits members of the overlay only, and logs strangers at most once a minute', async () => {
    const { service, httpListener, clock, log } = setUp();
    await service.start(['10.64.0.7'], 80);
    const admits = (address: string) => httpListener.bound[0]?.admits(address);
    expect(['10.64.9.9', '::ffff:10.64.9.9', 'fd12::9'].map(admits)).toEqual([true, true, true]);
    expect(['192.168.1.5', '127.0.0.1', '::1', 'fe80::1%wlan0', ''].map(admits)).toEqual(
      Array(5).fill(false),
    );
    await clock.advance(60_000);
    admits('192.168.1.6');
    expect(log.of('sensors.stranger-refused')).toEqual([
      { remote: '192.168.1.5', refused: 1 },
      { remote: '192.168.1.6', refused: 6 },
    ]);
  });

  it('serves the addresses there are, says which is missing, and binds it when called again', async () => {
    const { service, httpListener } = setUp();
    httpListener.here.delete('fd12::7');
    await expect(service.start(['fd12::7', '10.64.0.7'], 80)).rejects.toMatchObject({ retryable: true });
    expect(service.report().listening).toEqual(['http://10.64.0.7/']);
    httpListener.here.add('fd12::7');
    await service.start(['fd12::7', '10.64.0.7'], 80);
    expect(service.report().listening).toEqual(['http://10.64.0.7/', 'http://[fd12::7]/']);
    expect(httpListener.bindings).toBe(2);
  });

  it('moves to another address without sampling anew', async () => {
    const { service, httpListener, sysfs } = setUp();
    httpListener.here.add('10.64.0.8');
    await service.start(['10.64.0.7'], 80);
    const reads = sysfs.reads.get('/proc/uptime');
    await service.start(['10.64.0.8'], 80);
    expect(httpListener.bound.map(({ address }) => address)).toEqual(['10.64.0.8']);
    expect(sysfs.reads.get('/proc/uptime')).toBe(reads);
  });

  it('leaves neither a binding nor a timer after stop, also when it is stopped while it starts', async () => {
    const { service, httpListener, clock } = setUp();
    const started = service.start(['10.64.0.7'], 80);
    await service.stop();
    await started;
    await service.stop();
    expect(httpListener.bound).toEqual([]);
    expect(clock.pending()).toBe(0);
    expect(service.report()).toEqual({ count: 0, stale: 0, actuators: 0, followers: 0, listening: [] });
  });

  it('starts again after stop', async () => {
    const { service } = setUp();
    await service.start(['10.64.0.7'], 80);
    await service.stop();
    await service.start(['10.64.0.7'], 80);
    expect(service.report()).toMatchObject({ count: 15, listening: ['http://10.64.0.7/'] });
    await service.stop();
  });
});
