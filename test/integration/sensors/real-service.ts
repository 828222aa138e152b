/** The sensor service with the machine's own files, clock and sockets, on an address of the loopback network. */
import { LinuxBoardFacts } from '../../../agent/adapters/board-facts.ts';
import { NodeHttpListener } from '../../../agent/adapters/http-listener.ts';
import { LinuxSysfs } from '../../../agent/adapters/sysfs.ts';
import { systemClock } from '../../../agent/adapters/system-clock.ts';
import { BUILT_IN_DRIVERS } from '../../../sensors/drivers/built-in-drivers.ts';
import type { SensorDriver } from '../../../sensors/sensor.ts';
import { SensorService, type SensorServiceOptions } from '../../../sensors/sensor-service.ts';
import { openService } from '../../fakes/open-service.ts';
import { RecordingLog } from '../../fakes/recording-log.ts';
import type { Target } from './raw-http.ts';

/** A member of the overlay 127.64.0.0/16. */
export const MEMBER = '127.64.0.9';

export interface RealService {
  target: Target;
  log: RecordingLog;
  service: SensorService;
}

export interface StartOptions {
  port?: number;
  drivers?: readonly SensorDriver[];
  /** Whose members are answered. */
  network?: string;
  log?: RecordingLog;
  /** What is not as in openService. */
  other?: Partial<SensorServiceOptions>;
}

/** Samples ten times a second; `port` 0 lets the kernel choose. The caller stops the service. */
export async function startService(
  address: string,
  {
    port = 0,
    drivers = BUILT_IN_DRIVERS,
    network = '127.64.0.0/16',
    log = new RecordingLog(),
    other = {},
  }: StartOptions = {},
): Promise<RealService> {
  const sysfs = new LinuxSysfs();
  const service = new SensorService({
    drivers,
    sysfs,
    facts: new LinuxBoardFacts(sysfs, log),
    clock: systemClock,
    log,
    httpListener: new NodeHttpListener(),
    intervalMs: 100,
    node: { id: 'abcdefghijklmnop', name: 'greenhouse' },
    overlayNetworks: [network],
    clockSynchronised: () => true,
    ...openService(systemClock, log),
    ...other,
  });
  await service.start([address], port);
  const url = new URL(service.report().listening[0] ?? '');
  return { target: { host: address, port: Number(url.port), from: MEMBER }, log, service };
}
