/** Runs a program of the machine to its end, keeps what it says in a log, and tells its failure in one sentence. */
import { spawn } from 'node:child_process';
import { createReadStream, createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { EnvironmentFault } from '../../agent/errors.ts';
import { programPath } from '../product/needed-programs.ts';

export interface ProgramOptions {
  readonly signal: AbortSignal;
  readonly input?: string;
  /** A file whose bytes the program reads from stdin. */
  readonly inputFile?: string;
  /** A file that takes stdout; it is not in the result then. */
  readonly outputFile?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly directory?: string;
  /** Told every line of stderr as it comes. */
  readonly onLine?: (line: string) => void;
}

/** Of what a program said before it failed. */
const LINES_KEPT = 400;
const LINES_TOLD = 6;
/** SIGTERM lets mmdebstrap unmount and remove its tree. */
const STOP_SIGNAL = 'SIGTERM';
const CLOSED_EARLY = new Set(['EPIPE', 'ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE']);

/**
 * What the program wrote to stdout; it is found where needPrograms looks. Throws EnvironmentFault('program-failed' |
 * 'interrupted').
 */
export async function runProgram(
  command: string,
  args: readonly string[],
  options: ProgramOptions,
): Promise<string> {
  const child = spawn(command, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, PATH: programPath(), LC_ALL: 'C.UTF-8', TZ: 'UTC', ...options.environment },
    ...(options.directory === undefined ? {} : { cwd: options.directory }),
  });
  const stop = () => void child.kill(STOP_SIGNAL);
  options.signal.addEventListener('abort', stop, { once: true });
  const said = new LineKeeper(options.onLine);
  child.stderr.setEncoding('utf8').on('data', (text: string) => said.add(text));
  try {
    const [code, output] = await Promise.all([
      ended(command, child),
      outputOf(child.stdout, options),
      feed(child.stdin, options),
    ]);
    if (options.signal.aborted) throw new EnvironmentFault('interrupted', `${command} was interrupted`);
    if (code !== 0) throw failure(command, code, said.lines, output);
    return output;
  } finally {
    options.signal.removeEventListener('abort', stop);
  }
}

function ended(command: string, child: ReturnType<typeof spawn>): Promise<number | string> {
  return new Promise((resolve, reject) => {
    child.once('error', (cause) => {
      reject(new EnvironmentFault('program-failed', `${command} cannot be run: ${cause.message}`, { cause }));
    });
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown'));
  });
}

async function outputOf(stdout: NodeJS.ReadableStream, { outputFile }: ProgramOptions): Promise<string> {
  if (outputFile !== undefined) {
    await pipeline(stdout, createWriteStream(outputFile));
    return '';
  }
  let text = '';
  for await (const chunk of stdout) text += String(chunk);
  return text;
}

async function feed(stdin: NodeJS.WritableStream, { input, inputFile }: ProgramOptions): Promise<void> {
  try {
    await pipeline(
      inputFile === undefined ? Readable.from([input ?? '']) : createReadStream(inputFile),
      stdin,
    );
  } catch (error) {
    // Who does not read to the end says by its exit code whether that was right.
    if (!CLOSED_EARLY.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

function failure(
  command: string,
  code: number | string,
  lines: readonly string[],
  output: string,
): EnvironmentFault {
  const said = [...output.split('\n'), ...lines].filter((line) => line.trim() !== '').slice(-LINES_TOLD);
  const words = said.length > 0 ? `; it said: ${said.join(' | ')}` : '';
  return new EnvironmentFault('program-failed', `${command} failed (${code})${words}`);
}

/** Splits text into lines and keeps the last ones. */
class LineKeeper {
  readonly lines: string[] = [];
  readonly #onLine: ((line: string) => void) | undefined;
  #rest = '';

  constructor(onLine: ((line: string) => void) | undefined) {
    this.#onLine = onLine;
  }

  add(text: string): void {
    const parts = (this.#rest + text).split('\n');
    this.#rest = parts.pop() ?? '';
    for (const line of parts) {
      this.lines.push(line);
      if (this.lines.length > LINES_KEPT) this.lines.shift();
      this.#onLine?.(line);
    }
  }
}
