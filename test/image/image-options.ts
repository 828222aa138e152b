/** What `npm run test:image` can be told. */
import { parseArgs } from 'node:util';
import { UsageError } from '../../agent/errors.ts';

export const HELP = `npm run test:image [-- OPTIONS]: starts a real image under emulation, with only its claim, and uses it over the overlay.
  --image FILE       a finished base image (.img or .img.xz); without it one is built first
  --build BOARD      which one: rpi-arm64, generic-x86_64 or edison-x86_64 (default: rpi-arm64)
  --cache DIR        where the build keeps its packages and steps
  --boards LIST      which emulated boards: virt, raspi3b (arm64), q35, q35-efi (amd64), or none (default: all that
                     are the image's)
  --power-cuts N     how often the power is pulled (default: 20)
  --cut-within SECONDS
                     first boots are cut within this time (default: what a first boot took, else 60)
  --adverse LIST     which bad starts: no-network, wrong-wifi, no-broker, clock-1970, or none (default: all)
  --rest SECONDS     how long writes to the card are counted at rest (default: 300; 0: not at all)
  --seed NUMBER      of the moments at which the power is pulled
  --ci               what a merge needs: an image of this machine's own architecture on one board, whose power is cut at
                     rest only, no bad start, nothing measured at rest; where it cannot be done here it is skipped, and why is said
  --logs DIR         keep the boards' consoles there
  --json             print one JSON object on stdout, and everything else on stderr
`;

const BOARDS = ['virt', 'raspi3b', 'q35', 'q35-efi'] as const;
const ADVERSE = ['no-network', 'wrong-wifi', 'no-broker', 'clock-1970'] as const;
export type TestedBoard = (typeof BOARDS)[number];
export type AdverseStart = (typeof ADVERSE)[number];

export interface ImageTestOptions {
  readonly image: string | null;
  /** What is built where there is no image. */
  readonly build: string;
  readonly cache: string | null;
  /** Null: all that the image is made for. */
  readonly boards: readonly TestedBoard[] | null;
  readonly isCi: boolean;
  readonly powerCuts: number;
  /** Null: as long as the first boot took. */
  readonly cutWithinSeconds: number | null;
  readonly adverse: readonly AdverseStart[];
  readonly restSeconds: number;
  readonly seed: number;
  readonly logs: string | null;
  readonly json: boolean;
}

const FULL = {
  build: 'rpi-arm64',
  boards: null,
  powerCuts: '20',
  adverse: ADVERSE.join(','),
  rest: '300',
} as const;
/** Another architecture than the machine's own takes half an hour to build. */
const CI = {
  ...(process.arch === 'arm64'
    ? { build: 'rpi-arm64', boards: 'virt' }
    : { build: 'generic-x86_64', boards: 'q35' }),
  powerCuts: '0',
  adverse: 'none',
  rest: '0',
} as const;

/** Null: help was asked for. Throws UsageError. */
export function readImageOptions(args: readonly string[]): ImageTestOptions | null {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parsed(() =>
    parseArgs({
      args: [...args],
      options: {
        image: text,
        build: text,
        cache: text,
        boards: text,
        'power-cuts': text,
        'cut-within': text,
        adverse: text,
        rest: text,
        seed: text,
        ci: flag,
        logs: text,
        json: flag,
        help: flag,
      },
    }),
  );
  if (values.help) return null;
  const usual = values.ci ? CI : FULL;
  const boards = values.boards ?? (values.image === undefined ? usual.boards : null);
  return {
    image: values.image ?? null,
    build: values.build ?? usual.build,
    cache: values.cache ?? null,
    boards: boards === null ? null : listOf('--boards', boards, BOARDS),
    isCi: values.ci,
    powerCuts: numberOf('--power-cuts', values['power-cuts'] ?? usual.powerCuts, 1000),
    cutWithinSeconds:
      values['cut-within'] === undefined ? null : numberOf('--cut-within', values['cut-within'], 3600),
    adverse: listOf('--adverse', values.adverse ?? usual.adverse, ADVERSE),
    restSeconds: numberOf('--rest', values.rest ?? usual.rest, 86_400),
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
  if (text === 'none') return [];
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
