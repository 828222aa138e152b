/** What a machine must have before images can be tried on it, as one sentence that says what to do. */
import { tmpdir } from 'node:os';
import { sentenceOf } from '../../agent/errors.ts';
import { boardNamed } from '../../image-build/image/board.ts';
import { DEBIAN_SUITE, DEFAULT_MIRROR } from '../../image-build/image/debian-step.ts';
import { checkMachine } from '../../image-build/image/preflight.ts';
import { emulatedBoard, neededFor } from '../../image-build/machine/emulated-board.ts';
import { BOOT_FILES_PROGRAMS } from '../../image-build/product/boot-files.ts';
import { needPrograms } from '../../image-build/product/needed-programs.ts';
import { defaultLabMode, labProblem } from '../lab/prerequisites.ts';
import type { ImageTestOptions, TestedBoard } from './image-options.ts';
import { boardsMadeFor } from './tested-image.ts';

const MIRROR_LIMIT_MS = 15_000;

/** Null where everything is there. Throws UsageError for an unknown board. */
export async function imageTestProblem(options: ImageTestOptions): Promise<string | null> {
  const problem = labProblem(defaultLabMode());
  if (problem !== null) return problem;
  const boards = options.boards ?? boardsMadeFor(options.build);
  const board = options.image === null ? boardNamed(options.build) : null;
  try {
    await needPrograms('testing an image', {
      dnsmasq: 'dnsmasq-base',
      ssh: 'openssh-client',
      ...BOOT_FILES_PROGRAMS,
      ...(options.image === null ? qemuFor(boards) : {}),
    });
    if (board) await checkMachine(board, { out: tmpdir(), cache: tmpdir() });
  } catch (error) {
    return sentenceOf(error);
  }
  return board ? mirrorProblem() : null;
}

/** Programs that play these boards, with their Debian packages. */
export function qemuFor(boards: readonly TestedBoard[]): Record<string, string> {
  return Object.fromEntries(boards.flatMap((board) => Object.entries(neededFor(emulatedBoard(board)))));
}

async function mirrorProblem(): Promise<string | null> {
  const url = `${DEFAULT_MIRROR}/dists/${DEBIAN_SUITE}/InRelease`;
  try {
    const { ok, status } = await fetch(url, { method: 'HEAD', signal: AbortSignal.timeout(MIRROR_LIMIT_MS) });
    return ok ? null : `the Debian mirror answers ${status} for ${url}, and an image is made of its packages`;
  } catch (error) {
    const why = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return `the Debian mirror cannot be asked for ${url} (${sentenceOf(why)}), and an image is made of its packages`;
  }
}
