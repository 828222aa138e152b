/** HTTP on a unix socket for the control API: the socket file is the lock and, by its mode, the only access control. */
import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { connect } from 'node:net';
import { dirname, resolve } from 'node:path';
import { getRequestListener } from '@hono/node-server';
import { EnvironmentFault, sentenceOf } from '../errors.ts';
import { makeDirectory } from './durable-directory.ts';
import { isCode } from './file-fault.ts';

/** sizeof(sun_path) without its final zero (unix(7)). The kernel's own error for longer ones names no reason. */
const MAX_PATH_BYTES = 107;

/** Local programs are few; more than this is a program that leaks connections. */
const MAX_CONNECTIONS = 64;

export interface ControlServer {
  /** Absolute path of the socket. */
  readonly path: string;
  /** Ends all connections and removes the socket. */
  close(): Promise<void>;
}

/**
 * Serves on `socketPath` with mode 0600. A socket that nobody answers on is replaced.
 * Throws EnvironmentFault: `already-running`, `socket-path-too-long`, `socket-path-taken`, `socket-not-writable`.
 */
export async function openControlServer(
  socketPath: string,
  fetchHandler: (request: Request) => Response | Promise<Response>,
): Promise<ControlServer> {
  const path = resolve(socketPath);
  refuseLongPath(path);
  await makePlace(path);
  await clearStaleSocket(path);
  const server = createServer(listenerOf(fetchHandler));
  server.maxConnections = MAX_CONNECTIONS;
  await listen(server, path);
  return {
    path,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

function listenerOf(fetchHandler: (request: Request) => Response | Promise<Response>): RequestListener {
  // The server must not replace the process's own Request and Response.
  const listener = getRequestListener(fetchHandler, { overrideGlobalObjects: false });
  return (request, response) => void listener(request, response);
}

function refuseLongPath(path: string): void {
  const bytes = Buffer.byteLength(path);
  if (bytes <= MAX_PATH_BYTES) return;
  throw new EnvironmentFault(
    'socket-path-too-long',
    `the socket path ${path} has ${bytes} bytes and Linux allows ${MAX_PATH_BYTES}: choose a shorter --state or --socket`,
  );
}

async function makePlace(path: string): Promise<void> {
  try {
    await makeDirectory(dirname(path));
  } catch (error) {
    throw socketFault(path, error);
  }
}

async function clearStaleSocket(path: string): Promise<void> {
  try {
    const status = lstatSync(path, { throwIfNoEntry: false });
    if (!status) return;
    if (!status.isSocket()) {
      throw new EnvironmentFault(
        'socket-path-taken',
        `${path} exists and is not a socket: remove it or name another path with --socket`,
      );
    }
    if (await isAnswered(path)) {
      throw new EnvironmentFault(
        'already-running',
        `another agent answers at ${path}: stop it first, or give this one its own --state and --socket`,
      );
    }
    unlinkSync(path);
  } catch (error) {
    throw socketFault(path, error);
  }
}

/** A socket file stays when its process was killed; then the kernel refuses the connection. */
function isAnswered(path: string): Promise<boolean> {
  return new Promise((answered, failed) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      answered(true);
    });
    probe.once('error', (error) => {
      if (isCode(error, 'ECONNREFUSED', 'ENOENT')) answered(false);
      // Its backlog is full, so somebody has it.
      else if (isCode(error, 'EAGAIN')) answered(true);
      else failed(error);
    });
  });
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((listening, failed) => {
    // Stays after the start: what fails later is one connection's matter.
    const fail = (error: unknown): void => failed(socketFault(path, error));
    server.on('error', fail);
    server.once('listening', listening);
    try {
      bindPrivately(server, path);
    } catch (error) {
      fail(error);
    }
  });
}

/** Bind is done inside the call, so the umask closes the moment in which the socket would be open to all. */
function bindPrivately(server: Server, path: string): void {
  const umask = process.umask(0o177);
  try {
    server.listen(path);
  } finally {
    process.umask(umask);
  }
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket()) chmodSync(path, 0o600);
}

const WHY_BY_ERRNO: Readonly<Record<string, string>> = {
  EACCES: 'permission denied; run as its owner',
  EPERM: 'the system does not permit it',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space is left on the disk',
  EADDRINUSE: 'another agent took it at this moment',
  ENOTDIR: 'a file stands where a directory should be',
  ENOENT: 'the directory cannot be made',
  EEXIST: 'a file stands where a directory should be',
};

function socketFault(path: string, error: unknown): EnvironmentFault {
  if (error instanceof EnvironmentFault) return error;
  const errno = error instanceof Error && 'code' in error ? String(error.code) : '';
  const why = WHY_BY_ERRNO[errno] ?? sentenceOf(error);
  const sentence = `cannot make the socket ${path}: ${why}; or name another with --socket`;
  return new EnvironmentFault('socket-not-writable', sentence, { cause: error });
}
