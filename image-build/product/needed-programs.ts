/** Says which Debian packages to install before something is begun that would fail for want of a program. */
import { access, constants } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import { EnvironmentFault } from '../../agent/errors.ts';

/** System folders that an ordinary user's PATH may lack. */
const SYSTEM_FOLDERS = ['/usr/sbin', '/sbin'];

/** Programs, or absolute paths of files, and the Debian package that brings each. */
export type NeededPrograms = Readonly<Record<string, string>>;

/** Throws EnvironmentFault('missing-programs'); `purpose` begins the sentence ("verifying an image"). */
export async function needPrograms(purpose: string, programs: NeededPrograms): Promise<void> {
  const missing = await missingPackages(programs);
  if (missing.length === 0) return;
  throw new EnvironmentFault(
    'missing-programs',
    `${purpose} needs ${missing.length === 1 ? 'a program that is' : 'programs that are'} not installed: apt-get install ${missing.join(' ')}`,
  );
}

/** The packages of those programs that are not there. */
export async function missingPackages(programs: NeededPrograms): Promise<string[]> {
  const missing = new Set<string>();
  for (const [program, debianPackage] of Object.entries(programs)) {
    if (!(await isInstalled(program))) missing.add(debianPackage);
  }
  return [...missing].sort();
}

/** The environment in which programs of the system are found by an ordinary user, too. */
export function programPath(): string {
  const folders = new Set([...(process.env['PATH'] ?? '').split(delimiter), ...SYSTEM_FOLDERS]);
  return [...folders].filter(Boolean).join(delimiter);
}

/** Whether a program, or a file by its absolute path, is there. */
export async function isInstalled(program: string): Promise<boolean> {
  if (isAbsolute(program)) return isThere(program, constants.R_OK);
  for (const folder of programPath().split(delimiter)) {
    if (await isThere(join(folder, program), constants.X_OK)) return true;
  }
  return false;
}

function isThere(path: string, mode: number): Promise<boolean> {
  return access(path, mode).then(
    () => true,
    () => false,
  );
}
