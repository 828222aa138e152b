/** Round trips by icmp_echo.c, which is compiled when the benchmark starts: Node's own timers are too coarse for them. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { EnvironmentFault } from '../../agent/errors.ts';
import type { LabHost } from '../lab/lab-host.ts';
import { labEnvironment } from '../lab/prerequisites.ts';
import { repositoryPath } from '../lab/repository.ts';
import { meanOf, percentileOf } from './statistics.ts';

const TIMEOUT_MS = 1000;
/** One request of the wait for the first answer, and the pause before the next. */
const KNOCK_TIMEOUT_MS = 200;

export interface RoundTrips {
  avgUs: number | null;
  p99Us: number | null;
  lost: number;
}

export class EchoTool {
  readonly #binary: string;

  /** Compiles into `directory`. Throws EnvironmentFault without a C compiler. */
  constructor(directory: string) {
    this.#binary = join(directory, 'icmp_echo');
    const source = repositoryPath('test/bench/icmp_echo.c');
    const compiler = process.env['CC'] ?? 'cc';
    const { status, stderr } = spawnSync(compiler, ['-O2', '-o', this.#binary, source], {
      env: labEnvironment(),
      encoding: 'utf8',
    });
    if (status === 0) return;
    throw new EnvironmentFault(
      'no-compiler',
      `icmp_echo.c was not compiled by ${compiler} (${stderr?.trim() || 'it is missing'}): install one with apt-get install gcc libc6-dev.`,
    );
  }

  /** One request each `intervalMs`, `count` times. */
  async measure(from: LabHost, address: string, count: number, intervalMs: number): Promise<RoundTrips> {
    const args = [address, count, intervalMs * 1000, TIMEOUT_MS].map(String);
    const limitMs = count * (intervalMs + TIMEOUT_MS);
    const { stdout } = await from.run([this.#binary, ...args], { timeoutMs: limitMs });
    return roundTripsIn(stdout);
  }

  /** Resolves with whether anything came back before the time was over. */
  async untilAnswered(from: LabHost, address: string, timeoutMs: number): Promise<boolean> {
    const deadline = performance.now() + timeoutMs;
    while (performance.now() < deadline) {
      const args = [address, 1, KNOCK_TIMEOUT_MS * 1000, KNOCK_TIMEOUT_MS].map(String);
      const { stdout } = await from.run([this.#binary, ...args]);
      if (roundTripsIn(stdout).avgUs !== null) return true;
    }
    return false;
  }
}

/** What icmp_echo printed. A tool that was killed has printed less, and what is there still counts. */
export function roundTripsIn(stdout: string): RoundTrips {
  const lines = stdout.split('\n');
  const timesUs = lines.filter((line) => /^\d+$/.test(line)).map((line) => Number(line) / 1000);
  const lost = lines.find((line) => line.startsWith('lost '));
  return { avgUs: meanOf(timesUs), p99Us: percentileOf(timesUs, 0.99), lost: Number(lost?.slice(5) ?? 0) };
}
