/** Where the repository's files are, both from the sources (tests) and from the bundle in dist/ (the demo). */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EnvironmentFault } from '../../agent/errors.ts';

/** The absolute path of a file of the repository, given from its top. */
export function repositoryPath(path: string): string {
  let directory = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(directory, 'package.json'))) {
    const parent = dirname(directory);
    if (parent === directory) {
      throw new EnvironmentFault(
        'no-repository',
        `${path} is not found: run this inside a clone of the repository.`,
      );
    }
    directory = parent;
  }
  return join(directory, path);
}
