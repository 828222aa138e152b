/** Whether this process may make a TAP at all: asked at start, so that a person learns it before anything else happens. */
import { accessSync, constants, readFileSync } from 'node:fs';
import { EnvironmentFault } from '../errors.ts';

const TUN_DEVICE = '/dev/net/tun';
/** linux/capability.h */
const CAP_NET_ADMIN_BIT = 12n;

/** Throws EnvironmentFault: `no-tun-device`, `no-privilege`. Changes nothing. */
export function checkTunAccess(): void {
  try {
    accessSync(TUN_DEVICE, constants.R_OK | constants.W_OK);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      throw new EnvironmentFault(
        'no-tun-device',
        `there is no ${TUN_DEVICE}: load the module with "modprobe tun"`,
      );
    }
    const sentence = `${TUN_DEVICE} may not be opened by this user: run as root, or "chmod 0666 ${TUN_DEVICE}"`;
    throw new EnvironmentFault('no-privilege', sentence, { cause: error });
  }
  if (!hasNetAdmin()) {
    throw new EnvironmentFault(
      'no-privilege',
      'a TAP device needs CAP_NET_ADMIN, which this process has not: run as root, as the systemd unit does, or in a user namespace of its own',
    );
  }
}

function hasNetAdmin(): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return effective !== undefined && ((BigInt(`0x${effective}`) >> CAP_NET_ADMIN_BIT) & 1n) === 1n;
}
