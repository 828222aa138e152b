/** The process `npm run demo`: options, signals, outputs, exit code. The journey itself is journey.ts. */
import { parseArgs } from 'node:util';
import { EnvironmentFault, sentenceOf } from '../../agent/errors.ts';
import { Lab } from '../lab/lab.ts';
import { defaultLabMode, type LabMode, labProblem } from '../lab/prerequisites.ts';
import { DemoJourney } from './journey.ts';
import { hostsOf, keepText } from './keep.ts';
import { resultTable } from './result-table.ts';
import { DemoFailure, Steps } from './steps.ts';

const HELP = `npm run demo [-- OPTIONS]: the whole journey of a fleet on this machine, in network namespaces.
  --json          print one JSON object on stdout, and everything else on stderr
  --keep          leave the hosts running until Ctrl-C, and print how to use them
  --unprivileged  use a user namespace even as root
`;
const DEMO_LIMIT_MS = 60_000;
/** What a shell reports for a process that a signal ended is 128 plus its number. */
const STOP_SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

interface DemoOptions {
  json: boolean;
  keep: boolean;
  mode: LabMode;
}

function readOptions(): DemoOptions | null {
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({ options: { json: flag, keep: flag, unprivileged: flag, help: flag } });
  if (values.help) return null;
  return { json: values.json, keep: values.keep, mode: values.unprivileged ? 'user' : defaultLabMode() };
}

/** Resolves with the exit code of the first signal that asks the demo to stop; never without one. */
function interruption(): Promise<number> {
  return new Promise((resolve) => {
    for (const [name, number] of Object.entries(STOP_SIGNALS)) {
      // Not `once`: a second Ctrl-C must not kill the demo while it cleans up, which takes some seconds at most.
      process.on(name, () => resolve(128 + number));
    }
    // Who reads the output has gone (`npm run demo | head`).
    process.stdout.on('error', () => resolve(128 + 13));
  });
}

function timeLimit(steps: Steps): Promise<never> {
  return new Promise((_, reject) => {
    const tooLong = new EnvironmentFault(
      'too-slow',
      `the demo has taken longer than ${DEMO_LIMIT_MS / 1000} s`,
    );
    setTimeout(() => reject(steps.failure(tooLong)), DEMO_LIMIT_MS).unref();
  });
}

/** Everything that needs the lab. Resolves with the exit code and with what is still to be printed on stdout. */
async function inLab(
  options: DemoOptions,
  steps: Steps,
  opening: Promise<Lab>,
  interrupted: Promise<number>,
): Promise<{ exitCode: number; text: string }> {
  const journey = new DemoJourney(steps, opening);
  const ending = await Promise.race([interrupted, journey.run(), timeLimit(steps)]);
  if (typeof ending === 'number') return { exitCode: ending, text: '' };
  if (!options.keep) {
    return { exitCode: 0, text: options.json ? jsonLine(ending) : resultTable(ending) };
  }
  const hosts = hostsOf(await opening, journey.members);
  process.stdout.write(options.json ? jsonLine({ ...ending, hosts }) : resultTable(ending) + keepText(hosts));
  return { exitCode: await interrupted, text: '' };
}

function told(error: unknown, steps: Steps, json: boolean): { exitCode: number; text: string } {
  const { report } = error instanceof DemoFailure ? error : steps.failure(error);
  for (const line of report.log) process.stderr.write(`  ${line}\n`);
  process.stderr.write(`The demo failed at "${report.step}": ${report.error}\n`);
  return { exitCode: 1, text: json ? jsonLine(report) : '' };
}

function jsonLine(value: object): string {
  return `${JSON.stringify(value)}\n`;
}

async function main(options: DemoOptions): Promise<{ exitCode: number; text: string }> {
  const interrupted = interruption();
  const output = options.json ? process.stderr : process.stdout;
  const steps = new Steps({ write: (text) => output.write(text), isTerminal: output.isTTY === true });
  const problem = labProblem(options.mode);
  if (problem !== null) {
    process.stderr.write(`${problem}\n`);
    const report = { ok: false, step: 'Prerequisites', error: problem, log: [] };
    return { exitCode: 1, text: options.json ? jsonLine(report) : '' };
  }
  const opening = Lab.open({ mode: options.mode });
  const ending = await inLab(options, steps, opening, interrupted).catch((error) =>
    told(error, steps, options.json),
  );
  steps.silence();
  try {
    // A lab that did not open has taken itself away again, and the first step has said why.
    await opening.then(
      (lab) => lab.close(),
      () => undefined,
    );
    return ending;
  } catch (error) {
    return told(error, steps, options.json);
  }
}

function optionsOrUsageError(): DemoOptions | null {
  try {
    return readOptions();
  } catch (error) {
    process.stderr.write(`${sentenceOf(error)}\n${HELP}`);
    process.exit(2);
  }
}

const options = optionsOrUsageError();
const { exitCode, text } = options ? await main(options) : { exitCode: 0, text: HELP };
process.stdout.write(text, () => process.exit(exitCode));
