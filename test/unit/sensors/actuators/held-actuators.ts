/** Actuators of a test under control of the real code, by a clock that the test moves. */
import { Actuators } from '../../../../sensors/actuators.ts';
import { FakeReaders, OPEN_POLICY } from '../../../fakes/fake-readers.ts';
import { FakeSysfs } from '../../../fakes/fake-sysfs.ts';
import { ManualClock } from '../../../fakes/manual-clock.ts';
import { RecordingLog } from '../../../fakes/recording-log.ts';
import { driverOf, type ScriptedActuator } from '../../../fakes/scripted-actuator.ts';

export const OPERATOR = '10.64.0.2';
export const OTHER_OPERATOR = '10.64.0.4';
export const SENSOR = '10.64.0.3';

/** All are in their safe states. */
export async function held(...wired: ScriptedActuator[]) {
  const clock = new ManualClock();
  const log = new RecordingLog();
  const readers = new FakeReaders().give(OPERATOR, 'operator').give(OTHER_OPERATOR, 'operator');
  const actuators = new Actuators({
    drivers: [driverOf(...wired)],
    policy: () => OPEN_POLICY,
    sysfs: new FakeSysfs(),
    clock,
    log,
    wallMs: () => clock.wallMs(),
  });
  await actuators.discover();
  const put = (id: string, request: unknown, address: string | null = OPERATOR) =>
    actuators.command(id, request, address === null ? null : readers.at(address), 'http');
  return { clock, log, readers, actuators, put };
}
