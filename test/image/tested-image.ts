/** Which image is tried, and on which emulated boards: those that its build made it for. */
import { stat } from 'node:fs/promises';
import { Refusal } from '../../agent/errors.ts';
import { BootPartition } from '../../image-build/card/boot-partition.ts';
import { openImage } from '../../image-build/product/opened-image.ts';
import type { TestedBoard } from './image-options.ts';

interface Player {
  /** Played by these; the first one also has the bad starts and the power cuts. */
  readonly boards: readonly [TestedBoard, ...TestedBoard[]];
}

const PLAYERS: Readonly<Record<string, Player>> = {
  'rpi-arm64': { boards: ['virt', 'raspi3b'] },
  'generic-x86_64': { boards: ['q35', 'q35-efi'] },
  'edison-x86_64': { boards: ['q35', 'q35-efi'] },
};

/** What plays an image of this name of `tincan image build`. */
export function boardsMadeFor(board: string): readonly TestedBoard[] {
  return PLAYERS[board]?.boards ?? [];
}

/** Throws Refusal where the image is none of ours, or not for one of the boards that are wanted. */
export async function boardsOf(
  image: string,
  wanted: readonly TestedBoard[] | null,
  signal: AbortSignal,
): Promise<{ main: TestedBoard; boards: readonly TestedBoard[] }> {
  const opened = await openImage(image, signal);
  try {
    const { size } = await stat(opened.raw);
    const { board } = await (await BootPartition.open(opened.raw, size)).facts();
    const player = PLAYERS[board];
    if (!player) throw new Refusal('unknown-board', `${image} is for ${board}, which nothing here plays`);
    const [main] = player.boards;
    const wrong = wanted?.find((one) => !player.boards.includes(one));
    if (wrong === undefined) return { main, boards: wanted ?? player.boards };
    throw new Refusal(
      'wrong-board',
      `${image} is for ${board}: try it with --boards ${player.boards.join(',')}`,
    );
  } finally {
    await opened.close();
  }
}
