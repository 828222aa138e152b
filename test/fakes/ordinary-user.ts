/** Lets a test that runs as root meet the refusals that an ordinary user meets. */
import { chownSync } from 'node:fs';

/** nobody. */
const ORDINARY_USER = 65_534;

/** Does something without root's rights; `directory` belongs to the ordinary user then. */
export async function asOrdinaryUser<Result>(directory: string, act: () => Promise<Result>): Promise<Result> {
  if (process.getuid?.() !== 0) return act();
  chownSync(directory, ORDINARY_USER, ORDINARY_USER);
  process.seteuid?.(ORDINARY_USER);
  try {
    return await act();
  } finally {
    process.seteuid?.(0);
  }
}
