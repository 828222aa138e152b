/** Sensors whose values a test gives, sampled by a clock that a test moves, behind the real routes. */
import type { AccessPolicy } from '../../../../sensors/access.ts';
import { Actuators } from '../../../../sensors/actuators.ts';
import { ReaderGate } from '../../../../sensors/reader-gate.ts';
import { Sampler } from '../../../../sensors/sampler.ts';
import { sensorRoutes } from '../../../../sensors/sensor-routes.ts';
import { EventIds } from '../../../../sensors/services/event-ids.ts';
import { type FollowReader, ReadingEvents } from '../../../../sensors/services/reading-events.ts';
import type { ServiceSource } from '../../../../sensors/services/service-source.ts';
import { FakeReaders, OPEN_POLICY } from '../../../fakes/fake-readers.ts';
import { FakeSysfs } from '../../../fakes/fake-sysfs.ts';
import { ManualClock } from '../../../fakes/manual-clock.ts';
import { RecordingLog } from '../../../fakes/recording-log.ts';
import { driverOf, type ScriptedActuator } from '../../../fakes/scripted-actuator.ts';
import { ScriptedSensor } from '../../../fakes/scripted-sensor.ts';

/** Of the service that `served` starts. */
export const RUN = 'run1';
export const NODE = { id: 'abcdefghijklmnop', name: 'greenhouse' };

export interface ServedSensors {
  clock: ManualClock;
  /** Asks as a client with this address does. */
  app: { request(path: string, init?: RequestInit, remoteAddress?: string): Promise<Response> };
  services: ServiceSource;
  readers: FakeReaders;
  actuators: Actuators;
  gate: ReaderGate;
  log: RecordingLog;
  events: ReadingEvents;
  faults: unknown[];
  /** The policy, which a test may change. */
  rules: { now: AccessPolicy };
  /** Addresses of clients whose connection was cut. */
  cut: string[];
}

export interface ServedOptions {
  clockIsSet?: boolean;
  actuators?: ScriptedActuator[];
  policy?: AccessPolicy;
  requestsPerSecond?: number;
}

/** Every sensor was read once. */
export async function served(
  sensors: ScriptedSensor[],
  {
    clockIsSet = true,
    actuators: wired = [],
    policy = OPEN_POLICY,
    requestsPerSecond = 100_000,
  }: ServedOptions = {},
): Promise<ServedSensors> {
  const clock = new ManualClock();
  const log = new RecordingLog();
  const readers = new FakeReaders();
  const clockSynchronised = () => clockIsSet;
  const source = new Sampler({ clock, log, random: () => 0.5, clockSynchronised });
  const { history } = source;
  const services = { source, history, node: NODE, wallMs: () => (clockIsSet ? clock.wallMs() : null) };
  const faults: unknown[] = [];
  const cut: string[] = [];
  const onFault = (error: unknown) => faults.push(error);
  const rules = { now: policy };
  const policyNow = () => rules.now;
  const gate = new ReaderGate({ readers, policy: policyNow, clock, requestsPerSecond });
  const drivers = [driverOf(...wired)];
  const actuators = new Actuators({
    drivers,
    policy: policyNow,
    sysfs: new FakeSysfs(),
    clock,
    log,
    wallMs: services.wallMs,
  });
  await actuators.discover();
  const follow: FollowReader = (address, onLost) => gate.follow(address, onLost);
  const events = new ReadingEvents({ ...services, actuators }, { clock, follow }, new EventIds(RUN));
  const isOwnHost = () => true;
  const routes = sensorRoutes({ ...services, events, actuators, gate, isOwnHost, webSocket: true, onFault });
  const app: ServedSensors['app'] = {
    request: async (path, init, remoteAddress = '10.64.0.9') =>
      routes.request(path, init, { remoteAddress, cut: () => cut.push(remoteAddress) }),
  };
  await source.track(sensors);
  await clock.advance(0);
  return { clock, app, services, readers, actuators, gate, log, events, faults, cut, rules };
}

/** One sensor in Celsius that is read every second. */
export function thermometer(id = 'greenhouse-air'): ScriptedSensor {
  return new ScriptedSensor(id, 1_000);
}
