/** What a check is, and what it finds. */
import type { PackageLock } from '../image/package-lock.ts';
import type { Product } from './product.ts';

export interface Expectations {
  /** A claim, a Wi-Fi password and SSH keys may be on the boot partition, and the claim has to be. */
  readonly isPersonal: boolean;
  /** The packages that were chosen for the image; null where nobody knows. */
  readonly lock: PackageLock | null;
  readonly signal: AbortSignal;
}

/** A check that cannot be done on this machine, and why. */
export class Undone {
  readonly reason: string;
  constructor(reason: string) {
    this.reason = reason;
  }
}

export interface Check {
  /** Stable, for programs. */
  readonly name: string;
  /** What is asserted, in a few words. */
  readonly title: string;
  /** One sentence for each thing that is not as asserted. */
  find(product: Product, expected: Expectations): Promise<readonly string[] | Undone> | readonly string[];
}

export interface CheckResult {
  readonly name: string;
  readonly title: string;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  /** Sentences: why it failed or was skipped. */
  readonly sentences: readonly string[];
}

/** All of them, in order. */
export async function runChecks(
  checks: readonly Check[],
  product: Product,
  expected: Expectations,
): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  for (const { name, title, find } of checks) {
    const found = await find(product, expected);
    if (found instanceof Undone) {
      results.push({ name, title, outcome: 'skipped', sentences: [found.reason] });
    } else {
      results.push({ name, title, outcome: found.length === 0 ? 'passed' : 'failed', sentences: found });
    }
  }
  return results;
}
