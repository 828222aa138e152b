/** The process `npm run bench`: signals, time limit, outputs, exit code. What is measured is in measurement.ts. */
import { cpus, loadavg, release } from 'node:os';
import { EnvironmentFault, sentenceOf, UsageError } from '../../agent/errors.ts';
import { Lab } from '../lab/lab.ts';
import { defaultLabMode, labProblem } from '../lab/prerequisites.ts';
import { BENCH_HELP, type BenchOptions, readBenchOptions } from './bench-options.ts';
import { type BenchReport, type Conditions, reportOf } from './bench-report.ts';
import { BenchRounds } from './bench-rounds.ts';
import { benchTable } from './bench-table.ts';
import { CpuCap } from './cpu-cap.ts';
import { benchLinks } from './links-bench.ts';
import { Programs } from './programs.ts';
import { type BenchRig, openRig } from './rig.ts';
import { benchSensors } from './sensors-bench.ts';

/** What a shell reports for a process that a signal ended is 128 plus its number. */
const STOP_SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;
/** A turn has some ten transfers, each with a start of its own, and five short ones; all of it twice as long at most. */
const TRANSFERS_PER_TURN = 10;
const TURN_MARGIN_MS = 90_000;

type Say = (line: string) => void;

/** Resolves with the exit code of the first signal; never without one. */
function interruption(): Promise<number> {
  return new Promise((resolve) => {
    for (const [name, number] of Object.entries(STOP_SIGNALS)) {
      // Not `once`: a second Ctrl-C must not kill the benchmark while it cleans up.
      process.on(name, () => resolve(128 + number));
    }
    process.stdout.on('error', () => resolve(128 + 13));
  });
}

function timeLimit({ systems, runs, seconds }: BenchOptions): Promise<never> {
  const limitMs = systems.length * runs * (2 * TRANSFERS_PER_TURN * seconds * 1000 + TURN_MARGIN_MS);
  return new Promise((_, reject) => {
    const tooLong = new EnvironmentFault('too-slow', `it has taken longer than ${limitMs / 1000} s`);
    setTimeout(() => reject(tooLong), limitMs).unref();
  });
}

function conditionsOf(options: BenchOptions, loadBefore: number): Omit<Conditions, 'congestionControl'> {
  const cores = cpus();
  return {
    mode: defaultLabMode(),
    runs: options.runs,
    secondsPerTransfer: options.seconds,
    cpuShare: options.cpuShare,
    cores: cores.length,
    cpuModel: cores[0]?.model.trim() ?? 'unknown',
    kernel: release(),
    loadBefore: Number(loadBefore.toFixed(2)),
  };
}

async function measured(rig: BenchRig, options: BenchOptions, say: Say): Promise<BenchReport> {
  const conditions = conditionsOf(options, loadavg()[0] ?? 0);
  const rounds = new BenchRounds(rig, options, say);
  await rounds.run();
  const { congestionControl } = rounds;
  return reportOf(options, { ...rounds, conditions: { ...conditions, congestionControl } });
}

/** Resolves with the report or with the exit code of a signal; the lab and the control groups are gone by then. */
async function inLab(options: BenchOptions): Promise<BenchReport | number> {
  const interrupted = interruption();
  const mode = defaultLabMode();
  const problem = labProblem(mode);
  if (problem !== null) throw new EnvironmentFault('no-lab', problem);
  const stop = new AbortController();
  const say = sayTo(stop.signal);
  const lab = await Lab.open({ mode });
  let cap: CpuCap | null = null;
  try {
    say(
      `hosts in network namespaces (lab ${lab.name}, ${mode === 'root' ? 'as root' : 'in a user namespace'})`,
    );
    cap = options.cpuShare === null ? null : new CpuCap(options.cpuShare, lab.name);
    const rig = await openRig(lab, new Programs(options.peerBin), cap, stop.signal);
    return await Promise.race([measured(rig, options, say), interrupted, timeLimit(options)]);
  } finally {
    stop.abort();
    await lab.close();
    cap?.close();
  }
}

/** Progress, until the signal. */
function sayTo(stop: AbortSignal | null): Say {
  return (line) => {
    // What fails from then on fails because of that.
    if (!stop?.aborted) process.stderr.write(`${secondsText(performance.now())}  ${line}\n`);
  };
}

function secondsText(ms: number): string {
  return `${(ms / 1000).toFixed(1).padStart(7)} s`;
}

async function main(): Promise<{ exitCode: number; text: string }> {
  try {
    const options = readBenchOptions(process.argv.slice(2));
    if (options === null) return { exitCode: 0, text: BENCH_HELP };
    if (options.links !== null) {
      const { json, links, seconds } = options;
      return await benchLinks({ json, links, seconds }, interruption(), sayTo(null));
    }
    if (options.sensors) return await benchSensors(options.json, interruption());
    const ending = await inLab(options);
    if (typeof ending === 'number') return { exitCode: ending, text: '' };
    const text = options.json ? `${JSON.stringify(ending)}\n` : benchTable(ending);
    return { exitCode: ending.ok ? 0 : 1, text };
  } catch (error) {
    const isUsage = error instanceof UsageError;
    process.stderr.write(`${sentenceOf(error)}\n${isUsage ? BENCH_HELP : ''}`);
    return { exitCode: isUsage ? 2 : 1, text: '' };
  }
}

const { exitCode, text } = await main();
process.stdout.write(text, () => process.exit(exitCode));
