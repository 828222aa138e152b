/** Checks that every copy of the image may be given away: no secret in it, no password, and nothing that would be an identity. */

import { sentenceOf } from '../../agent/errors.ts';
import { readClaim } from '../../provisioning/documents/claim.ts';
import type { Check, Expectations } from './check.ts';
import type { Product } from './product.ts';

/** Files of the boot partition that are one owner's. */
const PERSONAL_FILES = ['tincan/claim.json', 'tincan/wifi.json', 'tincan/authorized_keys', 'tincan/hostname'];
const CLAIM = 'tincan/claim.json';
const PRIVATE_KEY = /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----|"privateKey"\s*:\s*"/;
/** A file with a key is small. */
const LARGEST_KEY_FILE_BYTES = 64 * 1024;
const TEXT_PLACES = /^(etc|root|home|var|srv|data|opt)\/|^usr\/(lib\/tincan|share\/tincan|local)/;
/** Debian's own examples within libraries' tests would be found as well; none is in these places. */

const IDENTITIES: ReadonlyArray<{ path: RegExp; what: string }> = [
  { path: /^etc\/ssh\/ssh_host_/, what: 'a host key of SSH' },
  { path: /^var\/lib\/systemd\/random-seed$/, what: 'a seed of random numbers' },
  { path: /^var\/lib\/systemd\/credential\.secret$/, what: "systemd's own secret" },
  { path: /^var\/lib\/tincan\/./, what: "an agent's state" },
  { path: /^etc\/tincan\/./, what: 'a claim' },
  { path: /^(root|home\/[^/]+)\/\.ssh\/./, what: 'a key of SSH' },
  { path: /^etc\/hostname$/, what: 'a host name' },
  { path: /^var\/lib\/dhcpcd\/|^var\/lib\/dhcp\/./, what: 'an identity for DHCP' },
];

export const secretChecks: readonly Check[] = [
  {
    name: 'passwords',
    title: 'no account has a password, and none is open without one',
    find: passwordProblems,
  },
  { name: 'private-keys', title: 'no private key in the root or on the boot partition', find: privateKeys },
  {
    name: 'personal-files',
    title: 'claim, Wi-Fi and SSH keys are there only where they are expected',
    find: personalProblems,
  },
  {
    name: 'identity',
    title: 'no machine-id, host key, seed or host name that all copies would share',
    find: identityProblems,
  },
];

async function passwordProblems({ root }: Product): Promise<string[]> {
  const shadow = await root.readText('etc/shadow');
  const passwd = await root.readText('etc/passwd');
  if (shadow === null || passwd === null) return ['there is no /etc/passwd or no /etc/shadow'];
  const problems: string[] = [];
  for (const line of shadow.split('\n').filter(Boolean)) {
    const [user, hash = ''] = line.split(':');
    if (hash === '') problems.push(`${user} can log in without a password`);
    else if (!/^[!*]/.test(hash))
      problems.push(`${user} has a password, and every copy of the image would share it`);
  }
  for (const line of passwd.split('\n').filter(Boolean)) {
    const [user, password, uid] = line.split(':');
    if (password !== 'x' && !/^[!*]/.test(password ?? ''))
      problems.push(`${user} has a password in /etc/passwd`);
    if (uid === '0' && user !== 'root') problems.push(`${user} is a second root`);
  }
  const mode = root.entry('etc/shadow')?.mode ?? 0;
  if ((mode & 0o007) !== 0) problems.push('everybody may read /etc/shadow');
  return problems;
}

async function privateKeys({ root, boot }: Product): Promise<string[]> {
  const problems: string[] = [];
  for (const { path, kind, bytes } of root.entries) {
    if (kind !== 'file' || bytes > LARGEST_KEY_FILE_BYTES || !TEXT_PLACES.test(path)) continue;
    const start = await root.readStart(path, bytes);
    if (PRIVATE_KEY.test(start.toString('latin1'))) problems.push(`/${path} holds a private key`);
  }
  for (const path of boot.files.filter((file) => /^tincan\//i.test(file))) {
    if (PRIVATE_KEY.test(await boot.readText(path)))
      problems.push(`${path} on the boot partition holds a private key`);
  }
  return problems;
}

async function personalProblems({ boot }: Product, { isPersonal }: Expectations): Promise<string[]> {
  const there = PERSONAL_FILES.filter((wanted) => boot.files.some((path) => path.toLowerCase() === wanted));
  if (!isPersonal) {
    return there.map(
      (path) => `${path} is on the boot partition, and a base image is for everybody (--personal expects it)`,
    );
  }
  if (!there.includes(CLAIM))
    return [`there is no ${CLAIM} on the boot partition, and --personal expects one`];
  const bytes = Buffer.from(await boot.readText(CLAIM), 'utf8');
  try {
    readClaim(bytes, (unixMs) => unixMs < Date.now());
    return [];
  } catch (error) {
    return [`${CLAIM}: ${sentenceOf(error)}`];
  }
}

async function identityProblems({ root }: Product): Promise<string[]> {
  const problems: string[] = [];
  const machineId = (await root.readText('etc/machine-id'))?.trim() ?? null;
  if (machineId === null)
    problems.push('there is no /etc/machine-id, and systemd could not make one on a read-only root');
  else if (machineId !== '' && machineId !== 'uninitialized') {
    problems.push(`/etc/machine-id is ${machineId}, and every copy of the image would share it`);
  }
  if (root.entry('var/lib/dbus/machine-id')?.kind === 'file') {
    problems.push(
      '/var/lib/dbus/machine-id is a file of its own, and every copy of the image would share it',
    );
  }
  for (const { path, kind } of root.entries) {
    const found = kind === 'file' ? IDENTITIES.find((identity) => identity.path.test(path)) : undefined;
    if (found) problems.push(`/${path} is ${found.what}, and every copy of the image would share it`);
  }
  return problems;
}
