import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listenAddress, usersOf } from '../../../agent/cli/broker-command.ts';
import { runCli } from '../../../agent/cli/run-cli.ts';
import { socketToAsk, socketToServe } from '../../../agent/cli/socket-path.ts';
import { EnvironmentFault, UsageError } from '../../../agent/errors.ts';
import { RecordedIo } from '../../fakes/recorded-io.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'tincan-parsing-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

function fileWith(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

describe('listenAddress', () => {
  it.each([
    ['127.0.0.1:1883', { host: '127.0.0.1', port: 1883 }],
    ['localhost:0', { host: 'localhost', port: 0 }],
    ['[::1]:65535', { host: '::1', port: 65_535 }],
  ])('reads %s', (text, address) => expect(listenAddress(text)).toEqual(address));

  it.each([
    '',
    '1883',
    ':1883',
    '127.0.0.1',
    '127.0.0.1:',
    '127.0.0.1:65536',
    '::1:1883',
    'a b:1',
    'a:-1',
    'a:1x',
  ])('refuses %j with the value and an example', (text) => {
    expect(() => listenAddress(text)).toThrow(UsageError);
    expect(() => listenAddress(text)).toThrow(JSON.stringify(text));
  });
});

describe('usersOf', () => {
  it('pairs users with the first lines of their files, in order', () => {
    const files = [fileWith('one', 'first\n'), fileWith('two', 'second word\r\nignored')];
    expect([...usersOf(['a', 'b'], files)]).toEqual([
      ['a', 'first'],
      ['b', 'second word'],
    ]);
  });

  it.each([
    ['a user without a file', ['a'], [], 'there are 1 --user and 0 --password-file'],
    ['a file without a user', [], ['x'], 'there are 0 --user and 1 --password-file'],
    ['a missing file', ['a'], ['/nonexistent/file'], 'there is no password file /nonexistent/file'],
  ])('refuses %s', (_, names, files, sentence) => {
    expect(() => usersOf(names, files)).toThrow(UsageError);
    expect(() => usersOf(names, files)).toThrow(sentence);
  });

  it('refuses an empty password, a user given twice, and a directory for a file', () => {
    const empty = fileWith('empty', '\nsecret\n');
    const good = fileWith('good', 'x');
    expect(() => usersOf(['a'], [empty])).toThrow(/holds no password/);
    expect(() => usersOf(['a', 'a'], [good, good])).toThrow(/given twice/);
    expect(() => usersOf(['a'], [directory])).toThrow(EnvironmentFault);
  });
});

describe('where the socket is', () => {
  it('asks the named one, else the environment’s, else the service’s', () => {
    const service = fileWith('service.sock', '');
    expect(socketToAsk('/named', { TINCAN_SOCKET: '/env' }, service)).toBe('/named');
    expect(socketToAsk(undefined, { TINCAN_SOCKET: '/env' }, service)).toBe('/env');
    expect(socketToAsk(undefined, { TINCAN_SOCKET: '' }, service)).toBe(service);
  });

  it('says how to find it where there is none', () => {
    expect(() => socketToAsk(undefined, {}, '/nonexistent/sock')).toThrow(/--socket PATH .* TINCAN_SOCKET/);
  });

  it('serves on the named one, else in the runtime directory, else in the state directory', () => {
    expect(socketToServe('/named', '/state', { RUNTIME_DIRECTORY: '/run/tincan' })).toBe('/named');
    expect(socketToServe(undefined, '/state', { RUNTIME_DIRECTORY: '/run/a:/run/b' })).toBe(
      '/run/a/control.sock',
    );
    expect(socketToServe(undefined, '/state', { RUNTIME_DIRECTORY: '' })).toBe('/state/control.sock');
    expect(socketToServe(undefined, '/state', {})).toBe('/state/control.sock');
    expect(socketToServe('here.sock', '/state', {})).toBe(join(process.cwd(), 'here.sock'));
  });
});

describe('the command line', () => {
  async function run(...args: string[]): Promise<{ code: number; io: RecordedIo }> {
    const io = new RecordedIo();
    return { code: await runCli(args, io), io };
  }

  it.each(['agent', 'status', 'links', 'ping', 'broker'])('%s --help has an example', async (command) => {
    const { code, io } = await run(command, '--help');
    expect(code).toBe(0);
    expect(io.stdout).toContain(`$ tincan ${command}`);
    expect(io.stderr).toBe('');
  });

  it('prints its version', async () => {
    const { code, io } = await run('--version');
    expect(code).toBe(0);
    expect(io.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it('lists all commands and exits with 2 when none is given', async () => {
    const { code, io } = await run();
    expect(code).toBe(2);
    for (const command of ['fleet', 'agent', 'status', 'links', 'ping', 'broker']) {
      expect(io.stderr).toContain(`\n  ${command}`);
    }
  });

  it.each([
    [['nope'], 'tincan: unknown command \'nope\'; see "tincan --help"\n'],
    [['statsu'], 'tincan: unknown command \'statsu\' (Did you mean status?); see "tincan --help"\n'],
    [['status', '--bogus'], 'tincan: unknown option \'--bogus\'; see "tincan status --help"\n'],
    [['ping'], 'tincan: missing required argument \'target\'; see "tincan ping --help"\n'],
    [['status', 'x'], /^tincan: too many arguments for 'status'/],
    [['ping', 'a', '-c', '0'], /whole number from 1/],
    [['ping', 'a', '-c', '1e3'], /whole number from 1/],
    [['ping', 'a', '-i', '-1'], /Give seconds|unknown option/],
    [['agent'], /required option '--state <directory>'/],
    [['agent', '--state', 's', '--log', 'xml'], /Allowed choices are text, json/],
    [['broker', '--listen', 'x'], /--listen "x" is not HOST:PORT/],
    [['broker', '--user', 'a'], /one --password-file for each --user/],
  ])('%j is a usage error of one sentence', async (args, sentence) => {
    const { code, io } = await run(...args);
    expect(code).toBe(2);
    expect(io.stderr).toMatch(sentence);
    expect(io.stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(io.stdout).toBe('');
  });

  it('gives errors as JSON to who asked for JSON, with a stable reason', async () => {
    const usage = await run('status', '--json', '--bogus');
    expect(usage.code).toBe(2);
    expect(JSON.parse(usage.io.stderr)).toMatchObject({ reason: 'usage' });
    const absent = await run('status', '--json', '--socket', '/nonexistent/sock');
    expect(absent.code).toBe(1);
    expect(JSON.parse(absent.io.stderr)).toMatchObject({ reason: 'no-agent' });
  });
});
