/** Whether somebody (systemd-timesyncd, chrony, ntpd) has set the clock since boot. */
import { existsSync } from 'node:fs';

/** systemd-timesyncd and systemd-time-wait-sync write it; see systemd-time-wait-sync.service(8). */
const SYNCHRONISED_FLAG = '/run/systemd/timesync/synchronized';

export function isClockSynchronised(): boolean {
  return existsSync(SYNCHRONISED_FLAG);
}
