/** Checks of the services: those that must start do, none is dangling, and systemd finds no fault in ours. */
import { readlink } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { sentenceOf } from '../../agent/errors.ts';
import { runProgram } from '../image/program.ts';
import { missingPackages } from '../product/needed-programs.ts';
import { type Check, type Expectations, Undone } from './check.ts';
import type { Product } from './product.ts';

const SYSTEM_UNITS = 'etc/systemd/system';
const VENDOR_UNITS = 'usr/lib/systemd/system';

/** A board without one of these does not do its work. */
const ENABLED = [
  'tincan.service',
  'tincan-claim.path',
  'tincan-wifi-config.path',
  'systemd-networkd.service',
  'systemd-resolved.service',
  'systemd-timesyncd.service',
];
/** These would ask for a password, or write to a root that cannot be written. */
const NOT_STARTED = ['getty@tty1.service', 'ssh.service', 'ssh.socket', 'systemd-firstboot.service'];

/** What an older or another machine's systemd says of units that are right on the board. */
const NOT_OURS = [
  /Unknown (key( name)?|lvalue) /,
  /is not executable: No such file/,
  /^Failed to (resolve|create|prepare|open|initialize)/,
  /Failed to load .*man/,
  /Unit \S+ not found/,
];

export const unitChecks: readonly Check[] = [
  { name: 'units-enabled', title: 'the services start that must, and no login', find: enabledProblems },
  { name: 'units-dangling', title: 'no enabled service is missing', find: danglingProblems },
  { name: 'units-valid', title: 'systemd accepts the units (systemd-analyze verify)', find: invalidUnits },
  {
    name: 'root-read-only',
    title: 'the root stays read-only, and the journal is kept in RAM',
    find: readOnlyProblems,
  },
];

function enabledProblems({ root }: Product): string[] {
  const linked = new Set(
    root.entries
      .filter(
        ({ path, kind }) =>
          kind === 'link' &&
          new RegExp(`^(${SYSTEM_UNITS}|${VENDOR_UNITS})/.*\\.(wants|requires)/`).test(path),
      )
      .map(({ path }) => path.slice(path.lastIndexOf('/') + 1)),
  );
  const isMasked = (unit: string): boolean => root.entry(`${SYSTEM_UNITS}/${unit}`)?.target === '/dev/null';
  return [
    ...ENABLED.filter((unit) => !linked.has(unit) || isMasked(unit)).map(
      (unit) => `${unit} does not start: it is not enabled`,
    ),
    ...NOT_STARTED.filter((unit) => linked.has(unit) && !isMasked(unit) && !isGettyMasked(unit, root)).map(
      (unit) => `${unit} starts, and it must not`,
    ),
  ];
}

/** Login prompts hang on getty.target. */
function isGettyMasked(unit: string, root: Product['root']): boolean {
  return unit.startsWith('getty@') && root.entry(`${SYSTEM_UNITS}/getty.target`)?.target === '/dev/null';
}

async function danglingProblems({ root }: Product): Promise<string[]> {
  const problems: string[] = [];
  for (const { path, kind } of root.entries) {
    if (kind !== 'link' || !path.startsWith(`${SYSTEM_UNITS}/`)) continue;
    const target = await readlink(join(root.directory, path));
    if (target === '/dev/null') continue;
    const absolute = target.startsWith('/') ? target.slice(1) : normalize(join(dirname(path), target));
    // /lib is /usr/lib.
    const unit = absolute.replace(/^lib\//, 'usr/lib/');
    if (root.entry(unit) === null) problems.push(`/${path} leads to /${unit}, which is not there`);
  }
  return problems;
}

async function invalidUnits(
  { root }: Product,
  { signal }: Expectations,
): Promise<readonly string[] | Undone> {
  if ((await missingPackages({ 'systemd-analyze': 'systemd' })).length > 0) {
    return new Undone('systemd-analyze is not installed: apt-get install systemd');
  }
  const units = root.entries
    .filter(
      ({ path, kind }) =>
        kind === 'file' &&
        /^(etc|usr\/lib)\/systemd\/system\/tincan[^/]*\.(service|path|timer|socket|mount|target)$/.test(path),
    )
    .map(({ path }) => path.slice(path.lastIndexOf('/') + 1).replace('@.', '@wlan0.'));
  const lines: string[] = [];
  const args = ['verify', '--man=no', '--recursive-errors=no', `--root=${root.directory}`, ...units];
  try {
    await runProgram('systemd-analyze', args, { signal, onLine: (line) => lines.push(line) });
  } catch (error) {
    if (signal.aborted) throw error;
    if (lines.length === 0) return new Undone(sentenceOf(error));
  }
  return lines
    .map((line) => line.replaceAll(root.directory, '').trim())
    .filter((line) => line !== '' && !NOT_OURS.some((known) => known.test(line)));
}

async function readOnlyProblems({ root }: Product): Promise<string[]> {
  const problems: string[] = [];
  const fstab = (await root.readText('etc/fstab')) ?? '';
  for (const line of fstab.split('\n')) {
    const [device = '', place, , options = ''] = line.trim().split(/\s+/);
    if (device === '' || device.startsWith('#')) continue;
    if ((place === '/' || place === '/boot/firmware') && !options.split(',').includes('ro')) {
      problems.push(`/etc/fstab mounts ${place} to be written to: ${line.trim()}`);
    }
    if (place === 'none' && line.includes('swap'))
      problems.push(`/etc/fstab swaps to the card: ${line.trim()}`);
  }
  const journal = root.entries.filter(({ path }) =>
    /^(etc|usr\/lib)\/systemd\/journald(\.conf\.d\/[^/]+)?\.conf$/.test(path),
  );
  const texts = await Promise.all(journal.map(async ({ path }) => (await root.readText(path)) ?? ''));
  if (!texts.some((text) => /^\s*Storage=volatile\s*$/m.test(text))) {
    problems.push('the journal is not kept in RAM (journald: Storage=volatile)');
  }
  return problems;
}
