/** `tincan image verify`: opens an image without mounting it, and says of each thing that must be so whether it is. */
import { access } from 'node:fs/promises';
import type { Command } from 'commander';
import type { CliIo } from '../../agent/cli/cli-io.ts';
import { tableText } from '../../agent/cli/terminal-text.ts';
import { type PackageLock, readLock } from '../image/package-lock.ts';
import { openImage } from '../product/opened-image.ts';
import { type CheckResult, runChecks } from './check.ts';
import { diskChecks } from './disk-checks.ts';
import { needVerifyPrograms, openProduct, type Product } from './product.ts';
import { rootChecks } from './root-checks.ts';
import { secretChecks } from './secret-checks.ts';
import { unitChecks } from './unit-checks.ts';

export interface VerifyOptions {
  personal?: boolean;
  locked?: string;
  json?: boolean;
}

const FAILED = 1;
const CHECKS = [...diskChecks, ...rootChecks, ...secretChecks, ...unitChecks];

/** Adds `verify` to `tincan image`. */
export function registerVerify(image: Command, io: CliIo, setExitCode: (code: number) => void): void {
  image
    .command('verify')
    .summary('check what is inside an image')
    .description(
      'Opens an image without root and without mounting it, and checks its partitions, files, permissions, services, and that it holds no secret and no identity. The exit code is 1 when something is not as it must be.',
    )
    .argument('<file>', 'the image: .img or .img.xz')
    .option('--personal', "expect an owner's claim on the boot partition; Wi-Fi and SSH keys may be there")
    .option('--locked <file>', 'the lock file of its packages (default: FILE.packages.json, if there is one)')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  $ tincan image verify tincan-rpi-arm64.img.xz\n')
    .action(async (file: string, options: VerifyOptions) => {
      const isSound = await runVerify(file, options, io);
      if (!isSound) setExitCode(FAILED);
    });
}

/** Whether no check failed. */
export async function runVerify(file: string, options: VerifyOptions, io: CliIo): Promise<boolean> {
  await needVerifyPrograms();
  if (io.isTerminal) io.err(`opening ${file} …\n`);
  const image = await openImage(file, io.signal);
  try {
    const product = await openProduct(image, io.signal);
    const lock = await lockOf(file, options.locked, product);
    const expected = { isPersonal: options.personal ?? false, lock, signal: io.signal };
    const results = await runChecks(CHECKS, product, expected);
    const isSound = results.every(({ outcome }) => outcome !== 'failed');
    if (options.json) io.out(`${JSON.stringify({ file, ok: isSound, checks: results }, null, 2)}\n`);
    else io.out(verifyText(file, results));
    return isSound;
  } finally {
    await image.close();
  }
}

/** Throws UsageError for a lock file that is named and cannot be used, or is another board's. */
async function lockOf(
  file: string,
  named: string | undefined,
  { boot }: Product,
): Promise<PackageLock | null> {
  const path = named ?? file.replace(/\.img(\.xz)?$/, '.packages.json');
  const isThere = await access(path).then(
    () => path !== file,
    () => false,
  );
  if (named === undefined && !isThere) return null;
  const facts = boot.files.find((one) => one.toLowerCase() === 'tincan/image.json');
  const board =
    facts === undefined ? '' : (/"board":\s*"([^"]+)"/.exec(await boot.readText(facts))?.[1] ?? '');
  return readLock(path, board);
}

/** The table, then what is wrong, one sentence a line. */
export function verifyText(file: string, results: readonly CheckResult[]): string {
  const rows = results.map(({ name, title, outcome }) => [MARKS[outcome], name, title]);
  const sentences = results.flatMap(({ name, outcome, sentences: said }) =>
    outcome === 'passed' ? [] : said.map((sentence) => `${name}: ${sentence}\n`),
  );
  const count = (outcome: CheckResult['outcome']): number =>
    results.filter((result) => result.outcome === outcome).length;
  const tail = `${file}: ${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped\n`;
  return `${tableText(['', 'check', 'what is asserted'], rows, [])}\n${sentences.join('')}${tail}`;
}

const MARKS = { passed: 'ok', failed: 'FAILED', skipped: 'skipped' } as const;
