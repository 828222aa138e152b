/** The files of a squashfs as unsquashfs lists them: kinds, modes and owners, which an unpacked copy need not keep. */

export type FileKind = 'file' | 'directory' | 'link' | 'other';

export interface RootEntry {
  /** Without a slash at its start; the root itself is the empty path. */
  readonly path: string;
  readonly kind: FileKind;
  /** Permission bits, with set-user-id (0o4000), set-group-id and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly bytes: number;
  /** Of a link. */
  readonly target: string | null;
}

const KINDS: Readonly<Record<string, FileKind>> = { '-': 'file', d: 'directory', l: 'link' };
/** `-rwsr-xr-x 0/0   70760 2025-04-19 10:20 squashfs-root/usr/bin/chfn` */
const LINE = /^(\S)(\S{9}) (\d+)\/(\d+) +(\d+(?:, *\d+)?) \S+ \S+ squashfs-root(?:\/(.*))?$/;
const PERMISSIONS = [0o400, 0o200, 0o100, 0o040, 0o020, 0o010, 0o004, 0o002, 0o001];

/** Reads what `unsquashfs -lln` prints; lines of another form are left out. */
export function readRootListing(text: string): RootEntry[] {
  return text.split('\n').flatMap((line) => {
    const [whole, letter = '', bits = '', uid, gid, bytes, name = ''] = LINE.exec(line) ?? [];
    if (whole === undefined) return [];
    const kind = KINDS[letter] ?? 'other';
    const [path = '', target = null] = kind === 'link' ? name.split(' -> ') : [name];
    const size = Number.parseInt(bytes ?? '0', 10);
    return [{ path, kind, mode: modeOf(bits), uid: Number(uid), gid: Number(gid), bytes: size, target }];
  });
}

/** `rwsr-xr-x` as a number. */
function modeOf(bits: string): number {
  let mode = 0;
  PERMISSIONS.forEach((permission, position) => {
    const letter = bits[position] ?? '-';
    // s and t mean "and executable"; S and T "but not executable".
    if (/[rwxst]/.test(letter)) mode |= permission;
  });
  if (/[sS]/.test(bits[2] ?? '')) mode |= 0o4000;
  if (/[sS]/.test(bits[5] ?? '')) mode |= 0o2000;
  if (/[tT]/.test(bits[8] ?? '')) mode |= 0o1000;
  return mode;
}
