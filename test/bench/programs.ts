/** Where the programs of other overlays are: in the directory that was given (`--peer-bin`), else on PATH. */
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { labEnvironment } from '../lab/prerequisites.ts';

/** A package that was only unpacked (`dpkg -x`) has its binaries further down. */
const INSIDE_PEER_BIN = ['.', 'bin', 'sbin', 'usr/bin', 'usr/sbin', 'usr/local/bin', 'usr/local/sbin'];

export class Programs {
  readonly #folders: readonly string[];

  constructor(peerBin: string | null, path: string = labEnvironment()['PATH'] ?? '') {
    const given = peerBin === null ? [] : INSIDE_PEER_BIN.map((inside) => resolve(peerBin, inside));
    this.#folders = [...given, ...path.split(delimiter)];
  }

  /** The absolute path of a program, or null. */
  find(program: string): string | null {
    return this.#folders.map((folder) => join(folder, program)).find(isExecutableFile) ?? null;
  }
}

function isExecutableFile(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
