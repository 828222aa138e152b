import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = new URL('../..', import.meta.url).pathname;
const text = (file: string) => readFileSync(join(root, file), 'utf8');
const documents = ['README.md', 'ARCHITECTURE.md', 'CHANGELOG.md', 'sensors/drivers/README.md'];
const scripts = Object.keys((JSON.parse(text('package.json')) as { scripts: object }).scripts);
/** npm's own commands that need no script. */
const NPM_COMMANDS = ['ci', 'install', 'i', 'link'];

/** Words in backticks that name a file or folder of ours: they have a slash and start with a top-level folder. */
function pathsIn(document: string): string[] {
  const quoted = [...text(document).matchAll(/`([^`\n]+)`/g)].map((match) => match[1] ?? '');
  return quoted.filter((word) => /^(agent|sensors|provisioning|image-build|test|\.ci)\/[\w./-]*$/.test(word));
}

/** Folders that hold source, one level below the top (and the top ones themselves). */
function sourceFolders(): string[] {
  const nested = ['agent', 'test'].flatMap((top) =>
    readdirSync(join(root, top), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => `${top}/${entry.name}/`),
  );
  return ['sensors/', 'provisioning/', 'image-build/', ...nested];
}

describe('documents', () => {
  it.each(documents)('%s names only files that exist', (document) => {
    expect(pathsIn(document).filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  it('ARCHITECTURE.md names every source folder', () => {
    const document = text('ARCHITECTURE.md');
    expect(sourceFolders().filter((folder) => !document.includes(folder))).toEqual([]);
  });

  it('the page about drivers names every driver, and only words that the code knows', () => {
    const page = text('sensors/drivers/README.md');
    const folders = readdirSync(join(root, 'sensors/drivers'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => `sensors/drivers/${entry.name}/`);
    expect(folders.filter((folder) => !page.includes(folder))).toEqual([]);
    const code = ['sensors', 'agent/ports', 'agent/errors.ts'].flatMap((place) =>
      place.endsWith('.ts')
        ? [text(place)]
        : readdirSync(join(root, place), { recursive: true, encoding: 'utf8' })
            .filter((file) => file.endsWith('.ts'))
            .map((file) => text(join(place, file))),
    );
    const words = [...page.matchAll(/`([A-Za-z]+)[^`/]*`/g)].map((match) => match[1] ?? '');
    expect(words.length).toBeGreaterThan(20);
    expect(words.filter((word) => !code.some((file) => file.includes(word)))).toEqual([]);
  });

  it.each(documents)('%s names only npm scripts that exist', (document) => {
    const named = [...text(document).matchAll(/npm (?:run )?(?:--silent )?([a-z][\w:-]*)/g)].map(
      (match) => match[1] ?? '',
    );
    expect(named.filter((name) => !scripts.includes(name) && !NPM_COMMANDS.includes(name))).toEqual([]);
  });

  it.each(documents)('%s links only to files and headings that exist', (document) => {
    const headings = [...text(document).matchAll(/^#+ (.+)$/gm)].map((match) =>
      (match[1] ?? '')
        .toLowerCase()
        .replace(/[^\w\s-]/g, '')
        .replaceAll(' ', '-'),
    );
    const targets = [...text(document).matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? '');
    const broken = targets.filter((target) =>
      target.startsWith('#')
        ? !headings.includes(target.slice(1))
        : !target.includes(':') && !existsSync(join(root, target)),
    );
    expect(broken).toEqual([]);
  });
});
