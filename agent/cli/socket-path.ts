/** Where the agent's control socket is: what the user said, else the environment, else the service's own place. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { EnvironmentFault } from '../errors.ts';

/** RuntimeDirectory=tincan of the systemd unit. */
const SERVICE_SOCKET = '/run/tincan/control.sock';

/** The socket that a command asks. Throws EnvironmentFault('no-agent') where none is named and none is found. */
export function socketToAsk(
  named: string | undefined,
  environment: NodeJS.ProcessEnv,
  serviceSocket = SERVICE_SOCKET,
): string {
  const path = named ?? environment['TINCAN_SOCKET'];
  if (path !== undefined && path !== '') return path;
  if (existsSync(serviceSocket)) return serviceSocket;
  throw new EnvironmentFault(
    'no-agent',
    `there is no agent's socket at ${serviceSocket}: is the agent running? If it is, name its socket with --socket PATH (by default control.sock in its --state directory) or in TINCAN_SOCKET`,
  );
}

/** The absolute path of the socket that an agent serves on: as told, else in systemd's runtime directory, else among its state. */
export function socketToServe(
  named: string | undefined,
  stateDirectory: string,
  environment: NodeJS.ProcessEnv,
): string {
  // systemd joins several directories with colons; the first one is the unit's main one.
  const runtimeDirectory = environment['RUNTIME_DIRECTORY']?.split(':')[0];
  return resolve(named ?? join(runtimeDirectory || stateDirectory, 'control.sock'));
}
