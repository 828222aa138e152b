/** Looks, before anything is made, whether this machine can make the image; says exactly what to install or to switch on. */
import { access, constants, mkdir, readFile, statfs } from 'node:fs/promises';
import { arch, tmpdir, userInfo } from 'node:os';
import { EnvironmentFault, UsageError } from '../../agent/errors.ts';
import { isInstalled, needPrograms } from '../product/needed-programs.ts';
import type { Board } from './board.ts';

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
/** Each program or file, and the Debian package that brings it. */
const PROGRAMS = {
  mmdebstrap: 'mmdebstrap',
  mksquashfs: 'squashfs-tools',
  'mkfs.vfat': 'dosfstools',
  mcopy: 'mtools',
  mke2fs: 'e2fsprogs',
  debugfs: 'e2fsprogs',
  sfdisk: 'fdisk',
  tar: 'tar',
  xz: 'xz-utils',
  'dpkg-deb': 'dpkg',
  [KEYRING]: 'debian-archive-keyring',
};
const HOST_ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };
const QEMU_NAMES = { arm64: 'aarch64', amd64: 'x86_64' } as const;
/** Of Linux, Debian's kernels and Ubuntu's: each setting, and its value that keeps user namespaces for root. */
const NAMESPACE_SETTINGS: ReadonlyArray<[name: string, refusing: string]> = [
  ['user.max_user_namespaces', '0'],
  ['kernel.unprivileged_userns_clone', '0'],
  ['kernel.apparmor_restrict_unprivileged_userns', '1'],
];
/** The image, its compressed form, and the data partition before it is in the image. */
const IMAGE_BYTES = 1_000_000_000;
/** Debian's packages, two archives of a tree, the compressed root, the boot partition. */
const PRODUCT_BYTES = 2_500_000_000;
/** What mmdebstrap unpacks. */
const TREE_BYTES = 1_500_000_000;

export interface BuildPlaces {
  /** Of the image; it has to be there. */
  readonly out: string;
  /** Made when it is missing. */
  readonly cache: string;
}

/** Throws UsageError and EnvironmentFault: `missing-programs`, `no-emulation`, `no-namespaces`, `no-cache`, `no-space`. */
export async function checkMachine(board: Board, { out, cache }: BuildPlaces): Promise<void> {
  await checkPrograms(board);
  await checkEmulation(board);
  await checkNamespaces();
  if (!(await isThere(out))) throw new UsageError(`there is no directory ${out} for the image`);
  await mkdir(cache, { recursive: true }).catch((cause: unknown) => {
    throw new EnvironmentFault('no-cache', `cannot make ${cache}: name another place with --cache`, {
      cause,
    });
  });
  await checkSpace(out, IMAGE_BYTES, 'name another place with --out');
  await checkSpace(cache, PRODUCT_BYTES, 'name another place with --cache');
  await checkSpace(tmpdir(), TREE_BYTES, 'name another place with TMPDIR=DIRECTORY');
}

async function checkPrograms(board: Board): Promise<void> {
  // Debian 12 has qemu-<arch>-static; newer releases have qemu-<arch> with the same job.
  const qemu = `qemu-${QEMU_NAMES[board.architecture]}`;
  const emulated = isForeign(board) && !(await isInstalled(qemu));
  await needPrograms('making an image', {
    ...PROGRAMS,
    ...(emulated ? { [`${qemu}-static`]: 'qemu-user-static' } : {}),
  });
}

async function checkEmulation(board: Board): Promise<void> {
  if (!isForeign(board)) return;
  const entry = `/proc/sys/fs/binfmt_misc/qemu-${QEMU_NAMES[board.architecture]}`;
  const text = await readFile(entry, 'utf8').catch(() => null);
  if (text?.startsWith('enabled')) return;
  const mount = (await isThere('/proc/sys/fs/binfmt_misc/register'))
    ? ''
    : 'mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc; ';
  throw new EnvironmentFault(
    'no-emulation',
    `programs of ${board.architecture} cannot run on this ${arch()} machine, because its kernel does not start qemu for them; as root: ${mount}update-binfmts --enable qemu-${QEMU_NAMES[board.architecture]} (package binfmt-support)`,
  );
}

/** Who is not root is root in a user namespace of its own, if the kernel lets it make one. */
async function checkNamespaces(): Promise<void> {
  const { uid, username } = userInfo();
  if (uid === 0) return;
  const refuse = (what: string): never => {
    throw new EnvironmentFault('no-namespaces', `${what}; or build the image as root`);
  };
  if (!(await isInstalled('newuidmap'))) {
    refuse('making an image without root needs newuidmap: apt-get install uidmap');
  }
  for (const file of ['/etc/subuid', '/etc/subgid']) {
    const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n');
    if (lines.some((line) => line.startsWith(`${username}:`) || line.startsWith(`${uid}:`))) continue;
    refuse(
      `${file} gives ${username} no numbers for users in a namespace of its own; as root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${username}`,
    );
  }
  for (const [name, refusing] of NAMESPACE_SETTINGS) {
    const value = await readFile(`/proc/sys/${name.replaceAll('.', '/')}`, 'utf8').catch(() => null);
    if (value?.trim() !== refusing) continue;
    const wanted = refusing === '0' ? (name.startsWith('user.') ? '65536' : '1') : '0';
    refuse(
      `this kernel lets only root make user namespaces (${name} is ${refusing}); as root: sysctl ${name}=${wanted}`,
    );
  }
}

async function checkSpace(directory: string, neededBytes: number, advice: string): Promise<void> {
  const { bavail, bsize } = await statfs(directory);
  const freeBytes = bavail * bsize;
  if (freeBytes >= neededBytes) return;
  throw new EnvironmentFault(
    'no-space',
    `${directory} has ${gigabytes(freeBytes)} GB free, and making an image needs ${gigabytes(neededBytes)} GB there; ${advice}`,
  );
}

function isForeign(board: Board): boolean {
  return HOST_ARCHITECTURES[arch()] !== board.architecture;
}

async function isThere(path: string, mode = constants.F_OK): Promise<boolean> {
  return access(path, mode).then(
    () => true,
    () => false,
  );
}

function gigabytes(bytes: number): string {
  return (bytes / 1e9).toFixed(1);
}
