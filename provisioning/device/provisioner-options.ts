/** What a DeviceProvisioner is made of. */
import type { Clock } from '../../agent/ports/clock.ts';
import type { FileStore } from '../../agent/ports/file-store.ts';
import type { Log } from '../../agent/ports/log.ts';
import type { OpenMessageBus } from '../../agent/ports/message-bus.ts';
import type { Sealer } from '../../agent/ports/sealer.ts';
import type { Hardware } from '../documents/enrolment-messages.ts';

export interface DeviceProvisionerOptions {
  /** The device's state directory. */
  store: FileStore;
  openBus: OpenMessageBus;
  sealer: Sealer;
  clock: Clock;
  log: Log;
  /** When this agent was built: it is certainly later than that. */
  buildTimeMs: number;
  /** Whether the wall clock is set by NTP; where nobody knows, it is not. */
  isClockSynchronised?: () => boolean;
  hardware?: Hardware;
  random?: () => number;
}

export const UNKNOWN_HARDWARE: Hardware = { model: 'unknown', arch: 'unknown', agent: 'unknown' };
