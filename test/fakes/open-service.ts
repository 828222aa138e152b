/** What the sensor service needs beside sensors, with nothing to set and everybody admitted. */
import { UdpSockets } from '../../agent/adapters/udp-sockets.ts';
import type { Clock } from '../../agent/ports/clock.ts';
import type { Log } from '../../agent/ports/log.ts';
import { Actuators } from '../../sensors/actuators.ts';
import type { SensorServiceOptions } from '../../sensors/sensor-service.ts';
import { FakeReaders, OPEN_POLICY } from './fake-readers.ts';
import { FakeSysfs } from './fake-sysfs.ts';

export function openService(
  clock: Clock,
  log: Log,
): Pick<
  SensorServiceOptions,
  'actuators' | 'policy' | 'requestsPerSecond' | 'webSocket' | 'sockets' | 'coapPort' | 'discovery'
> & { readers: FakeReaders } {
  const policy = () => OPEN_POLICY;
  const sysfs = new FakeSysfs();
  const actuators = new Actuators({ drivers: [], policy, sysfs, clock, log, wallMs: () => clock.wallMs() });
  const services = { webSocket: true, sockets: new UdpSockets(), coapPort: null, discovery: false };
  return { ...services, actuators, readers: new FakeReaders(), policy, requestsPerSecond: 100_000 };
}
