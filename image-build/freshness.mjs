/** Whether the things in dist/ are older than what they are made from; used by setup.mjs and build.mjs. */
import { existsSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Folders and files that something in dist/ is made from; their tests are not among them. */
const SOURCES = [
  'agent',
  'provisioning',
  'sensors',
  'image-build',
  'test/bench',
  'test/demo',
  'test/lab',
  'package-lock.json',
];

/** Its time is the start of the last build that succeeded: an output may be older, where nothing of its own changed. */
const STAMP = 'dist/.built';

/** True when every output exists and no source has changed since the last build was started. */
export function isFresh(root, outputs) {
  if (![STAMP, ...outputs].every((output) => existsSync(join(root, output)))) return false;
  const { mtimeMs: builtAtMs } = statSync(join(root, STAMP));
  return SOURCES.every((source) => newestChange(join(root, source)) <= builtAtMs);
}

/** Notes that dist/ was made from the sources as they were at `startedAt`, a Date. */
export function markFresh(root, startedAt) {
  const stamp = join(root, STAMP);
  writeFileSync(stamp, '');
  utimesSync(stamp, startedAt, startedAt);
}

/** Newest modification (milliseconds) of a file or of anything below a folder; 0 where there is nothing. */
function newestChange(path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) return 0;
  if (!stat.isDirectory()) return stat.mtimeMs;
  const entries = readdirSync(path, { withFileTypes: true }).map((entry) => join(path, entry.name));
  // The folder's own time counts too: it changes when a file in it is deleted or renamed.
  return Math.max(stat.mtimeMs, ...entries.map(newestChange));
}
