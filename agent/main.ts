/** The process `tincan`: argv, signals, the two outputs and the exit code. */
import type { CliIo } from './cli/cli-io.ts';
import { runCli } from './cli/run-cli.ts';

/** What the shell reports for a process that a signal ended is 128 plus its number. */
const STOP_SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

const stop = new AbortController();
let signalExitCode: number | null = null;

for (const [name, number] of Object.entries(STOP_SIGNALS)) {
  process.on(name, () => {
    // The second one is from somebody who does not want to wait for the clean-up.
    if (signalExitCode !== null) process.exit(128 + number);
    signalExitCode = 128 + number;
    stop.abort();
  });
}

// Who reads stdout has had enough (`tincan status | head -1`): finish quietly. stderr's reader may go as well.
process.stdout.on('error', () => stop.abort());
process.stderr.on('error', () => undefined);

process.on('uncaughtException', (error) => {
  process.stderr.write(`${error.stack ?? error.message}\nThis is a bug of tincan.\n`);
  process.exit(70);
});

const io: CliIo = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  isTerminal: process.stdout.isTTY === true,
  // A serial console may not know its size, and says 0.
  size: () => ({ columns: process.stdout.columns || 80, rows: process.stdout.rows || 24 }),
  signal: stop.signal,
};

const exitCode = await runCli(process.argv.slice(2), io);
process.exit(exitCode !== 0 && signalExitCode !== null ? signalExitCode : exitCode);
