/** What `npm run test:image` can be told. */
import { parseArgs } from 'node:util';
import { UsageError } from '../../agent/errors.ts';

export const HELP = `npm run test:image [-- OPTIONS]: starts a real image under emulation, with only its claim, and uses it over the overlay.
  --image FILE       a finished base image (.img or .img.xz); without it the arm64 image is built first
  --cache DIR        where the build keeps its packages and steps
  --boards LIST      which emulated boards: virt, raspi3b, or none (default: both)
  --power-cuts N     how often the power is pulled (default: 20)
  --adverse LIST     which bad starts: no-network, wrong-wifi, no-broker, clock-1970, or none (default: all)
  --rest SECONDS     how long writes to the card are counted at rest (default: 300)
  --seed NUMBER      of the moments at which the power is pulled
  --logs DIR         keep the boards' consoles there
  --json             print one JSON object on stdout, and everything else on stderr
`;

const BOARDS = ['virt', 'raspi3b'] as const;
const ADVERSE = ['no-network', 'wrong-wifi', 'no-broker', 'clock-1970'] as const;
export type TestedBoard = (typeof BOARDS)[number];
export type AdverseStart = (typeof ADVERSE)[number];

export interface ImageTestOptions {
  readonly image: string | null;
  readonly cache: string | null;
  readonly boards: readonly TestedBoard[];
  readonly powerCuts: number;
  readonly adverse: readonly AdverseStart[];
  readonly restSeconds: number;
  readonly seed: number;
  readonly logs: string | null;
  readonly json: boolean;
}

/** Null: help was asked for. Throws UsageError. */
export function readImageOptions(args: readonly string[]): ImageTestOptions | null {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parsed(() =>
    parseArgs({
      args: [...args],
      options: {
        image: text,
        cache: text,
        boards: { ...text, default: BOARDS.join(',') },
        'power-cuts': { ...text, default: '20' },
        adverse: { ...text, default: ADVERSE.join(',') },
        rest: { ...text, default: '300' },
        seed: text,
        logs: text,
        json: flag,
        help: flag,
      },
    }),
  );
  if (values.help) return null;
  return {
    image: values.image ?? null,
    cache: values.cache ?? null,
    boards: values.boards === 'none' ? [] : listOf('--boards', values.boards, BOARDS),
    powerCuts: numberOf('--power-cuts', values['power-cuts'], 1000),
    adverse: values.adverse === 'none' ? [] : listOf('--adverse', values.adverse, ADVERSE),
    restSeconds: numberOf('--rest', values.rest, 86_400),
    seed: values.seed === undefined ? Date.now() % 1_000_000 : numberOf('--seed', values.seed, 2 ** 31),
    logs: values.logs ?? null,
    json: values.json,
  };
}

function parsed<Result>(parse: () => Result): Result {
  try {
    return parse();
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function listOf<Name extends string>(option: string, text: string, known: readonly Name[]): Name[] {
  return text.split(',').map((word) => {
    const name = known.find((one) => one === word.trim());
    if (name !== undefined) return name;
    throw new UsageError(`${option} ${JSON.stringify(word)} is none of ${known.join(', ')}`);
  });
}

function numberOf(option: string, text: string, most: number): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number <= most) return number;
  throw new UsageError(`${option} ${JSON.stringify(text)} is not a whole number from 0 to ${most}`);
}
