/** The manual page and the completions, against what the commands say of themselves, and in the shells themselves. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../../../agent/cli/run-cli.ts';
import { runImageCli } from '../../../image-build/image.ts';
import { commandReference, referenceFiles } from '../../../image-build/package/command-reference.ts';
import { RecordedIo } from '../../fakes/recorded-io.ts';

const commands = commandReference();
const files = referenceFiles('1.2.3', '2026-11-01');
const has = (program: string) => !spawnSync(program, ['--version']).error;
let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'tincan-reference-'));
  for (const [place, text] of Object.entries(files)) {
    writeFileSync(join(directory, place.split('/').at(-1) ?? ''), text);
  }
});
afterAll(() => rmSync(directory, { recursive: true }));

async function help(path: string): Promise<string> {
  const io = new RecordedIo();
  const words = [...path.split(' '), '--help'];
  await (path.startsWith('image') ? runImageCli(words, io) : runCli(words, io));
  return io.stdout.replace(/\s+/g, ' ');
}

function ran(program: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', timeout: 20_000 });
  expect(status, stderr).toBe(0);
  return stdout;
}

describe('the reference', () => {
  it('has every command that tincan --help names', async () => {
    const io = new RecordedIo();
    await runCli(['--help'], io);
    const named = [...io.stdout.matchAll(/^ {2}([a-z]+) /gm)]
      .map(([, name]) => name)
      .filter((name) => name !== 'help');
    expect([...(commands[0]?.subcommands ?? [])].sort()).toEqual(named.sort());
  });

  it.each(commands.filter(({ path }) => path !== '').map(({ path }) => path))(
    'says what "%s --help" says',
    async (path) => {
      const printed = await help(path);
      const page = (files['man/man1/tincan.1'] ?? '').replaceAll('\\-', '-').replaceAll('\\e', '\\');
      const command = commands.find((one) => one.path === path);
      expect(printed).toContain(command?.description.replace(/\s+/g, ' '));
      for (const { flags } of command?.options ?? []) {
        expect(printed).toContain(flags);
        expect(page).toContain(`.B ${flags}\n`);
      }
    },
  );

  it.skipIf(!has('man'))('is a page without complaints', () => {
    const { stdout, stderr } = spawnSync('man', ['--warnings', '-l', join(directory, 'tincan.1')], {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C.UTF-8', MANPAGER: 'cat', MANWIDTH: '100' },
    });
    expect(stderr).toBe('');
    expect(stdout).toContain('tincan fleet add');
  });
});

describe('completion', () => {
  const cases: [line: string, found: string[], not: string[]][] = [
    ['tincan fl', ['fleet'], ['agent']],
    ['tincan fleet ', ['init', 'add', 'serve'], ['agent', 'flash']],
    ['tincan image fl', ['flash'], ['personalise']],
    ['tincan agent --log ', ['text', 'json'], ['--state']],
    ['tincan agent --st', ['--state'], ['--socket']],
    ['tincan fleet status --', ['--json'], ['--socket']],
  ];

  it.each(cases)('bash: %j', (line, found, not) => {
    const script = `source "$0"; COMP_WORDS=($1); [[ $1 == *' ' ]] && COMP_WORDS+=('')
      COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _tincan; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const words = ran('bash', '-c', script, join(directory, 'tincan'), line).split('\n');
    expect(words).toEqual(expect.arrayContaining(found));
    for (const word of not) expect(words).not.toContain(word);
  });

  it.skipIf(!has('fish')).each(cases)('fish: %j', (line, found, not) => {
    const script = `source ${join(directory, 'tincan.fish')}; complete -C ${JSON.stringify(line)}`;
    const words = ran('fish', '--no-config', '-c', script)
      .split('\n')
      .map((row) => row.split('\t')[0] ?? '');
    expect(words).toEqual(expect.arrayContaining(found));
    for (const word of not) expect(words).not.toContain(word);
  });

  it.skipIf(!has('zsh'))('zsh: reads it', () => {
    ran('zsh', '-n', join(directory, '_tincan'));
  });
});
