/** What files hold, as one short text: steps are named by it. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** SHA-256 of a file, or of names, modes and contents of all files below a directory. */
export async function digestOfPath(path: string): Promise<string> {
  if (!(await stat(path)).isDirectory()) {
    const hash = createHash('sha256');
    await pipeline(createReadStream(path), hash);
    return hash.digest('hex');
  }
  const hash = createHash('sha256');
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  for (const file of files.sort()) {
    const { mode } = await stat(file);
    hash.update(`${file.slice(path.length)} ${mode & 0o111} ${await digestOfPath(file)}\n`);
  }
  return hash.digest('hex');
}
