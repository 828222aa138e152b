/** Checks of the root: the files that make it a Tincan board, their architecture, modes and owners, and their versions. */
import { productVersion } from '../../agent/adapters/product-version.ts';
import { type Check, type Expectations, Undone } from './check.ts';
import { bootLoaderOf } from './disk-checks.ts';
import type { Product } from './product.ts';
import type { RootEntry } from './root-listing.ts';

const NEEDED_FILES = [
  'usr/bin/tincan',
  'usr/lib/tincan/dist/tincan.js',
  'usr/lib/systemd/system/tincan.service',
  'usr/lib/systemd/systemd',
  'usr/sbin/wpa_supplicant',
  'usr/sbin/sshd',
  'usr/sbin/resize2fs',
  'usr/bin/jq',
];
/** The root cannot be written to: what is mounted on has to be there, and without /dev no kernel finds its init. */
const MOUNT_POINTS = ['dev', 'proc', 'sys', 'run', 'tmp', 'data', 'boot/firmware', 'var/lib/tincan'];
const NODE = 'usr/lib/tincan/node/bin/node';

/** Debian's own, each with a reason to be: passwords, mounts and the host key of SSH. */
const KNOWN_SETUID = new Set([
  'usr/bin/chage',
  'usr/bin/chfn',
  'usr/bin/chsh',
  'usr/bin/expiry',
  'usr/bin/gpasswd',
  'usr/bin/mount',
  'usr/bin/newgrp',
  'usr/bin/passwd',
  'usr/bin/ssh-agent',
  'usr/bin/su',
  'usr/bin/umount',
  'usr/lib/dbus-1.0/dbus-daemon-launch-helper',
  'usr/lib/openssh/ssh-keysign',
  'usr/sbin/unix_chkpwd',
]);

const ELF_MAGIC = 0x7f454c46;
const ELF_MACHINE_AT = 18;
const MACHINES = {
  'raspberry-pi': { number: 183, name: 'arm64' },
  grub: { number: 62, name: 'x86-64' },
} as const;
/** Programs and libraries stand in these; kernel modules are the kernel's matter. */
const CODE = /^(usr\/(bin|sbin|lib|libexec)|opt)\//;
const NO_MORE_THAN = 5;

export const rootChecks: readonly Check[] = [
  {
    name: 'root-files',
    title:
      'the agent, its Node.js and its addons, systemd, Wi-Fi and SSH, and where file systems are mounted',
    find: (product) => {
      const arch = bootLoaderOf(product) === 'grub' ? 'x64' : 'arm64';
      const needed = [...NEEDED_FILES, NODE, `usr/lib/tincan/dist/datapath-linux-${arch}.node`];
      const missing = needed.filter((path) => product.root.entry(path) === null);
      const unmountable = MOUNT_POINTS.filter((path) => product.root.entry(path)?.kind !== 'directory');
      const hasTransport = product.root.entries.some(({ path }) => path.endsWith('/node_datachannel.node'));
      return [
        ...missing.map((path) => `there is no /${path}`),
        ...unmountable.map((path) => `there is no folder /${path} to mount something at`),
        ...(hasTransport ? [] : ['there is no node_datachannel.node: the agent could not make links']),
      ];
    },
  },
  { name: 'architecture', title: 'every program and library is for the board', find: foreignCode },
  {
    name: 'writable',
    title: 'nothing can be written by everybody but the sticky folders for temporary files',
    find: ({ root }) => few(root.entries.filter(isWritable), (path) => `everybody may write to /${path}`),
  },
  {
    name: 'setuid',
    title: 'no set-user-id and set-group-id programs but those that are known',
    find: ({ root }) =>
      few(
        root.entries.filter(
          ({ path, kind, mode }) => kind === 'file' && (mode & 0o6000) !== 0 && !KNOWN_SETUID.has(path),
        ),
        (path) => `/${path} runs with rights of its owner, and is not on the list of programs that may`,
      ),
  },
  {
    name: 'owners',
    title: 'programs and settings belong to root',
    find: ({ root }) =>
      few(
        root.entries.filter(({ path, uid }) => uid !== 0 && /^$|^(usr|etc|boot|opt)(\/|$)/.test(path)),
        (path) => `/${path} belongs to user ${root.entry(path)?.uid}, who could change it`,
      ),
  },
  {
    name: 'devices',
    title: 'no device files',
    find: ({ root }) =>
      few(
        root.entries.filter(({ kind }) => kind === 'other'),
        (path) => `/${path} is a device file, socket or pipe: the kernel and systemd make those`,
      ),
  },
  { name: 'version', title: 'the packages are of this version of Tincan', find: versionProblems },
  { name: 'locked', title: 'Debian packages are those of the lock file', find: unlockedPackages },
];

async function foreignCode(product: Product): Promise<string[]> {
  const wanted = MACHINES[bootLoaderOf(product)];
  const foreign: RootEntry[] = [];
  let seen = 0;
  for (const entry of product.root.entries) {
    if (entry.kind !== 'file' || entry.bytes < 64 || !CODE.test(entry.path)) continue;
    const start = await product.root.readStart(entry.path, ELF_MACHINE_AT + 2);
    if (start.readUInt32BE(0) !== ELF_MAGIC) continue;
    seen += 1;
    if (start.readUInt16LE(ELF_MACHINE_AT) !== wanted.number) foreign.push(entry);
  }
  if (seen === 0) return ['there is no program in the root'];
  return few(foreign, (path) => `/${path} is not for ${wanted.name}`);
}

function isWritable({ kind, mode }: RootEntry): boolean {
  if (kind === 'link' || (mode & 0o002) === 0) return false;
  return !(kind === 'directory' && (mode & 0o1000) !== 0);
}

async function versionProblems({ root }: Product): Promise<string[]> {
  const status = await root.readText('var/lib/dpkg/status');
  if (status === null) return ['there is no list of packages (/var/lib/dpkg/status)'];
  const versions = installedVersions(status);
  const found = versions.get('tincan');
  if (found === undefined) return ['the package tincan is not installed'];
  const matches =
    found === productVersion ||
    found.startsWith(`${productVersion}-`) ||
    found.startsWith(`${productVersion}+`);
  return matches
    ? []
    : [`the image has Tincan ${found}, and this is ${productVersion}: build the image again`];
}

/** The product's own packages are made by the build itself. */
const OWN_PACKAGES = new Set(['tincan', 'tincan-node']);

async function unlockedPackages(
  { root }: Product,
  { lock }: Expectations,
): Promise<readonly string[] | Undone> {
  if (lock === null) return new Undone('there is no lock file beside the image; name one with --locked');
  const locked = new Map(lock.packages.map(({ name, version }) => [name, version]));
  const installed = installedVersions((await root.readText('var/lib/dpkg/status')) ?? '');
  return [...installed]
    .filter(([name]) => !OWN_PACKAGES.has(name))
    .flatMap(([name, version]) => {
      const wanted = locked.get(name);
      if (wanted === version) return [];
      return [
        `${name} ${version} is installed, and ${wanted === undefined ? 'not in the lock file' : `${wanted} is locked`}`,
      ];
    });
}

/** Package name to version, of what dpkg has installed. */
export function installedVersions(status: string): Map<string, string> {
  const versions = new Map<string, string>();
  for (const paragraph of status.split(/\n{2,}/)) {
    const field = (name: string): string | undefined =>
      new RegExp(`^${name}: (.*)$`, 'm').exec(paragraph)?.[1];
    const [name, version] = [field('Package'), field('Version')];
    if (name !== undefined && version !== undefined && field('Status')?.endsWith(' installed')) {
      versions.set(name, version);
    }
  }
  return versions;
}

/** A sentence for each of the first entries, and how many more there are. */
function few(entries: readonly RootEntry[], sentence: (path: string) => string): string[] {
  const told = entries.slice(0, NO_MORE_THAN).map(({ path }) => sentence(path));
  const rest = entries.length - told.length;
  return rest > 0 ? [...told, `and ${rest} more are like that`] : told;
}
