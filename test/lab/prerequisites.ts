/** What a machine must allow before a lab can be made on it, each as one sentence that says what to do. */
import { spawnSync } from 'node:child_process';
import { accessSync, closeSync, constants, existsSync, openSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { sentenceOf } from '../../agent/errors.ts';

/** `root`: real named namespaces; `user`: everything inside one unprivileged user namespace. */
export type LabMode = 'root' | 'user';

const TUN_DEVICE = '/dev/net/tun';

/** System folders that an ordinary user's PATH may lack. */
const SYSTEM_FOLDERS = ['/usr/sbin', '/sbin'];

/** Settings that forbid unprivileged user namespaces: file below /proc/sys, the forbidding value, the allowing one. */
const USER_NAMESPACE_SETTINGS = [
  { name: 'kernel.unprivileged_userns_clone', forbids: '0', allows: '1' },
  { name: 'kernel.apparmor_restrict_unprivileged_userns', forbids: '1', allows: '0' },
  { name: 'user.max_user_namespaces', forbids: '0', allows: '10000' },
] as const;

/** The environment for programs that the lab starts. */
export function labEnvironment(): NodeJS.ProcessEnv {
  const folders = new Set([...(process.env['PATH'] ?? '').split(delimiter), ...SYSTEM_FOLDERS]);
  return { ...process.env, PATH: [...folders].filter(Boolean).join(delimiter) };
}

/** The mode that this user gets unless he asks for another. */
export function defaultLabMode(): LabMode {
  return process.geteuid?.() === 0 ? 'root' : 'user';
}

/** One sentence why no lab (with TAP devices) can be made here, or null. Leaves nothing behind. */
export function labProblem(mode: LabMode): string | null {
  return missingProgram() ?? tunProblem() ?? namespaceProblem(mode);
}

/** How the guard enters a user namespace of its own, in which it is root. */
export const USER_NAMESPACE = ['unshare', '--user', '--map-root-user', '--mount', '--net'] as const;

/** Tries it, because settings, security modules and container runtimes all have a say. */
function namespaceProblem(mode: LabMode): string | null {
  const enter = mode === 'user' ? USER_NAMESPACE : ['unshare', '--mount', '--net'];
  const [file = '', ...args] = [...enter, 'mount', '-t', 'tmpfs', 'tmpfs', '/run'];
  const { status, stderr } = spawnSync(file, args, { env: labEnvironment(), encoding: 'utf8' });
  if (status === 0) return null;
  const said = stderr?.trim().split('\n').at(-1) || 'it said nothing';
  if (mode === 'root') {
    return `This root may not make network namespaces (${said}): run this on the machine itself, or in a container started with --privileged.`;
  }
  const setting = USER_NAMESPACE_SETTINGS.find(({ name, forbids }) => sysctl(name) === forbids);
  return setting
    ? `This system forbids user namespaces to ordinary users (${setting.name} is ${setting.forbids}): allow them with sudo sysctl -w ${setting.name}=${setting.allows}, or run this as root.`
    : `This system does not let an ordinary user make a user namespace (${said}): run this as root, or outside the container if this is one.`;
}

function missingProgram(): string | null {
  const folders = (labEnvironment()['PATH'] ?? '').split(delimiter);
  const has = (program: string): boolean => folders.some((folder) => isExecutable(join(folder, program)));
  if (!has('ip')) return 'The program ip is missing: install it with apt-get install iproute2.';
  const missing = ['nsenter', 'unshare', 'mount'].find((program) => !has(program));
  return missing
    ? `The program ${missing} is missing: install it with apt-get install util-linux mount.`
    : null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Opening the device is harmless (a TAP exists only after TUNSETIFF) and says more than its permission bits. */
function tunProblem(): string | null {
  if (!existsSync(TUN_DEVICE)) {
    return `${TUN_DEVICE} does not exist, so no TAP device can be made: load the driver with sudo modprobe tun, or give the container the device (--device ${TUN_DEVICE}).`;
  }
  try {
    closeSync(openSync(TUN_DEVICE, 'r+'));
    return null;
  } catch (error) {
    const denied = error instanceof Error && 'code' in error && error.code === 'EACCES';
    return denied
      ? `${TUN_DEVICE} may be opened by root only: allow it to everybody with sudo chmod 0666 ${TUN_DEVICE}, or run this as root.`
      : `${TUN_DEVICE} cannot be opened (${sentenceOf(error)}): load the driver with sudo modprobe tun, or give the container the device (--device ${TUN_DEVICE}).`;
  }
}

/** The value of a kernel setting; null on kernels that do not have it. */
function sysctl(name: string): string | null {
  const path = `/proc/sys/${name.replaceAll('.', '/')}`;
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : null;
}
