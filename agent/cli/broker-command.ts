/** `tincan broker`: the embedded MQTT broker in the foreground until it is interrupted. */
import { readFileSync } from 'node:fs';
import { startEmbeddedBroker } from '../adapters/embedded-broker.ts';
import { fileFault } from '../adapters/file-fault.ts';
import { UsageError } from '../errors.ts';
import type { CliIo } from './cli-io.ts';

export interface BrokerOptions {
  /** `HOST:PORT`, IPv6 in brackets. */
  listen: string;
  user?: string[];
  passwordFile?: string[];
  json?: boolean;
}

/** Resolves when the signal was aborted and all connections are closed. */
export async function runBroker(options: BrokerOptions, io: CliIo): Promise<void> {
  const users = usersOf(options.user ?? [], options.passwordFile ?? []);
  const broker = await startEmbeddedBroker({
    ...listenAddress(options.listen),
    ...(users.size > 0 ? { users } : {}),
  });
  if (options.json) io.out(`${JSON.stringify({ event: 'listening', url: broker.url })}\n`);
  else {
    io.out(`listening on ${broker.url}\n`);
    io.err(remarks(users.size, broker.url));
  }
  await aborted(io.signal);
  await broker.close();
}

/** Splits `HOST:PORT`. Throws UsageError. */
export function listenAddress(text: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:.%\w]+)\]|([^\s:[\]]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port > 65_535) {
    throw new UsageError(
      `--listen ${JSON.stringify(text)} is not HOST:PORT with a port from 0 to 65535, as in 127.0.0.1:1883 or [::1]:1883`,
    );
  }
  return { host, port };
}

/** Pairs each --user with the --password-file of the same position. Throws UsageError. */
export function usersOf(names: readonly string[], passwordFiles: readonly string[]): Map<string, string> {
  if (names.length !== passwordFiles.length) {
    throw new UsageError(
      `there are ${names.length} --user and ${passwordFiles.length} --password-file: give one --password-file for each --user`,
    );
  }
  const users = new Map<string, string>();
  names.forEach((name, position) => {
    if (users.has(name)) throw new UsageError(`--user ${name} is given twice: name each user once`);
    users.set(name, passwordIn(passwordFiles[position] ?? ''));
  });
  return users;
}

function passwordIn(path: string): string {
  const password = firstLine(path);
  if (password === '') throw new UsageError(`${path} holds no password in its first line: write one into it`);
  return password;
}

function firstLine(path: string): string {
  try {
    return readFileSync(path, 'utf8').split(/\r?\n/, 1)[0] ?? '';
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      throw new UsageError(`there is no password file ${path}: check --password-file`, { cause: error });
    }
    throw fileFault('read', path, error);
  }
}

function remarks(users: number, url: string): string {
  const open = users > 0 || /\/\/(127\.|localhost|\[::1\])/.test(url) ? '' : OPEN_REMARK;
  return `Retained messages are kept in memory only: after a restart run "tincan fleet serve" again.\n${open}`;
}

const OPEN_REMARK =
  'Anybody who reaches this address can connect; they read no secret and forge nothing, but can disturb: see --user.\n';

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
