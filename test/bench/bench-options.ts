/** The command line of `npm run bench`. */
import { parseArgs } from 'node:util';
import { UsageError } from '../../agent/errors.ts';

export const SYSTEM_NAMES = ['tincan', 'direct', 'wireguard-go', 'nebula', 'fastd', 'tinc', 'n2n'] as const;
export type SystemName = (typeof SYSTEM_NAMES)[number];

/** Each is an agent of its own, with some 80 MB. */
const MOST_LINKS = 50;

export interface BenchOptions {
  /** One JSON object on stdout, in place of the table. */
  json: boolean;
  /** Every system is started and measured so many times, in turn. */
  runs: number;
  /** Length of each transfer. */
  seconds: number;
  /** In the order in which they take turns. */
  systems: SystemName[];
  /** Where binaries of peers are looked for before PATH; null: PATH only. */
  peerBin: string | null;
  /** Share of one core that the processes of each end may use, for every system; null: no limit. */
  cpuShare: number | null;
  /** Leaves out the search for the loss-free rate and shortens the pings. */
  quick: boolean;
  /** Measures a device's sensors in place of everything else. */
  sensors: boolean;
  /** Measures one node with so many links in place of everything else; null: no. */
  links: number | null;
}

export const BENCH_HELP = `npm run bench [-- OPTIONS]: Tincan and other overlays, the same work for each, in network namespaces.
  --json          print one JSON object on stdout (progress goes to stderr)
  --runs N        start and measure every system N times, in turn, and show medians (default 3)
  --seconds S     length of each transfer (default 3)
  --systems LIST  of ${SYSTEM_NAMES.join(',')} (default: all that are installed)
  --peer-bin DIR  look for the others' programs in DIR (and its bin, sbin, usr/bin, usr/sbin) before PATH
  --cpu SHARE     let the processes of each end have this share of a core, for every system (0.25: Pi-class)
  --quick         one run, transfers of 1 s, unless --runs and --seconds say otherwise
  --links N       measure the memory of one node with N links under load, and nothing else
  --sensors       measure what a device with 50 sensors and 20 followers costs, and nothing else
`;

const OPTIONS = {
  json: { type: 'boolean', default: false },
  quick: { type: 'boolean', default: false },
  sensors: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
  runs: { type: 'string' },
  seconds: { type: 'string' },
  systems: { type: 'string' },
  'peer-bin': { type: 'string' },
  cpu: { type: 'string' },
  links: { type: 'string' },
} as const;

/** Null for `--help`. Throws UsageError with what to give instead. */
export function readBenchOptions(args: readonly string[]): BenchOptions | null {
  const values = parsed(args);
  if (values.help) return null;
  const { quick, json, sensors } = values;
  return {
    json,
    sensors,
    quick,
    runs: numberOf('--runs', values.runs, { least: 1, most: 99, whole: true }) ?? (quick ? 1 : 3),
    seconds: numberOf('--seconds', values.seconds, { least: 1, most: 600, whole: true }) ?? (quick ? 1 : 3),
    systems: systemsOf(values.systems),
    peerBin: values['peer-bin'] ?? null,
    links: numberOf('--links', values.links, { least: 1, most: MOST_LINKS, whole: true }),
    cpuShare: numberOf('--cpu', values.cpu, { least: 0.05, most: 64, whole: false }),
  };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function numberOf(
  option: string,
  text: string | undefined,
  { least, most, whole }: { least: number; most: number; whole: boolean },
): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  const fits = text.trim() !== '' && value >= least && value <= most && (!whole || Number.isInteger(value));
  if (fits) return value;
  throw new UsageError(`${option} ${text} is not a ${whole ? 'whole ' : ''}number from ${least} to ${most}.`);
}

function systemsOf(text: string | undefined): SystemName[] {
  if (text === undefined) return [...SYSTEM_NAMES];
  const names = text.split(',').filter((name) => name !== '');
  const unknown = names.find((name) => !SYSTEM_NAMES.some((known) => known === name));
  if (unknown !== undefined || names.length === 0) {
    throw new UsageError(
      `--systems ${text}: ${unknown ?? 'nothing'} is not one of ${SYSTEM_NAMES.join(', ')}.`,
    );
  }
  return SYSTEM_NAMES.filter((known) => names.includes(known));
}
