/**
 * The first step: a tree of Debian packages and nothing of ours, as a tar archive. It takes minutes under emulation, and
 * only changes with the list of packages, so it is kept.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Board } from './board.ts';
import { type PackageLock, pinsOf } from './package-lock.ts';
import { runProgram } from './program.ts';
import type { Step } from './step-store.ts';

export const DEBIAN_SUITE = 'trixie';
export const DEFAULT_MIRROR = 'http://deb.debian.org/debian';
const SECURITY_MIRROR = 'http://deb.debian.org/debian-security';
const COMPONENTS = 'main non-free-firmware';

/** What nobody reads on a board. Copyright files stay: the licences ask for it. */
const LEFT_OUT = ['man', 'doc', 'locale', 'info', 'lintian', 'i18n', 'bash-completion', 'zsh', 'bug'];

export interface DebianOptions {
  readonly board: Board;
  readonly mirror: string;
  /** Packages are downloaded into it once. */
  readonly packageCache: string;
  /** Seconds: no file is younger. Another one asks the mirror again. */
  readonly epoch: number;
  readonly lock: PackageLock | null;
  readonly signal: AbortSignal;
  readonly onLine: (line: string) => void;
}

const INITRD_MAKER = '/usr/sbin/update-initramfs';
export const DEBIAN_ARCHIVE = 'debian.tar';
/** The versions and hashes of the packages as the tree's own apt saw them. */
export const PACKAGE_HASHES = 'packages.sha256';

/** Files of what is installed, and not of what else the kept packages have from builds before. */
const INSTALLED_FILES = `dpkg-query --admindir="$1/var/lib/dpkg" --show --showformat='\${Package}_\${Version}_\${Architecture}.deb\\n' | sed s/:/%3a/g`;

/** The step that makes `debian.tar`. */
export function debianStep(options: DebianOptions): Step {
  const args = mmdebstrapArguments(options);
  return {
    name: `debian-${options.board.name}`,
    inputs: [args('').join('\n'), String(options.epoch), JSON.stringify(options.lock)],
    async make(directory) {
      await mkdir(options.packageCache, { recursive: true });
      if (options.lock) await writeFile(join(directory, 'preferences'), pinsOf(options.lock));
      await runProgram('mmdebstrap', args(directory), {
        signal: options.signal,
        onLine: options.onLine,
        environment: { SOURCE_DATE_EPOCH: String(options.epoch) },
      });
    },
  };
}

function mmdebstrapArguments(options: DebianOptions): (directory: string) => string[] {
  const { board, packageCache, lock } = options;
  const packages = [...board.packages, ...board.buildPackages];
  return (directory) => [
    `--architectures=${board.architecture}`,
    '--variant=essential',
    // The packages stay until the hook below has taken them into the cache.
    '--skip=download/empty,essential/unlink,check/empty',
    `--include=${packages.join(',')}`,
    '--aptopt=APT::Install-Recommends "false"',
    '--dpkgopt=force-unsafe-io',
    ...LEFT_OUT.map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`),
    '--dpkgopt=path-include=/usr/share/doc/*/copyright',
    '--setup-hook=mkdir -p "$1/var/cache/apt/archives" "$1/etc/apt/preferences.d"',
    `--setup-hook=sync-in ${quoted(packageCache)} /var/cache/apt/archives/`,
    ...(lock
      ? [`--setup-hook=copy-in ${quoted(join(directory, 'preferences'))} /etc/apt/preferences.d/`]
      : []),
    // The one initrd that counts is made in the next step; each takes minutes under emulation.
    `--essential-hook=chroot "$1" dpkg-divert --quiet --local --rename --add ${INITRD_MAKER}`,
    `--essential-hook=printf '#!/bin/sh\\n' > "$1${INITRD_MAKER}" && chmod +x "$1${INITRD_MAKER}"`,
    `--customize-hook=rm "$1${INITRD_MAKER}"`,
    `--customize-hook=chroot "$1" dpkg-divert --quiet --local --rename --remove ${INITRD_MAKER}`,
    '--customize-hook=rm -f "$1/etc/apt/preferences.d/preferences"',
    `--customize-hook=cd "$1/var/cache/apt/archives" && ${INSTALLED_FILES} | xargs sha256sum > "$1/${PACKAGE_HASHES}"`,
    `--customize-hook=copy-out /${PACKAGE_HASHES} ${quoted(directory)}`,
    `--customize-hook=rm "$1/${PACKAGE_HASHES}"`,
    `--customize-hook=sync-out /var/cache/apt/archives ${quoted(packageCache)}`,
    DEBIAN_SUITE,
    join(directory, DEBIAN_ARCHIVE),
    ...sourcesOf(options.mirror),
  ];
}

function sourcesOf(mirror: string): string[] {
  const security = mirror === DEFAULT_MIRROR ? SECURITY_MIRROR : `${mirror}-security`;
  return [
    `deb ${mirror} ${DEBIAN_SUITE} ${COMPONENTS}`,
    `deb ${mirror} ${DEBIAN_SUITE}-updates ${COMPONENTS}`,
    `deb ${security} ${DEBIAN_SUITE}-security ${COMPONENTS}`,
  ];
}

/** For the shell that mmdebstrap gives its hooks to. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
