/**
 * An MQTT broker inside the process, for trials and small fleets. What it keeps (retained messages, sessions) is in
 * memory: after a restart devices wait until the registrar has published again.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import { Aedes, type AuthenticateError } from 'aedes';
import { EnvironmentFault, sentenceOf } from '../errors.ts';
import { BoundedConnection } from './mqtt-packet-bound.ts';

/** The largest message of Tincan, a device config, is far below; the rest is room for the owner's own use. */
const MAX_PACKET_BYTES = 256 * 1024;

/** An agent has one connection; beyond some thousand devices a broker of its own is due. */
const MAX_CONNECTIONS = 2000;

/** Names `tincan-` and a public key's hash are longer than the 23 characters of MQTT 3.1. */
const MAX_CLIENT_ID_CHARACTERS = 128;

/** Return codes of CONNACK (MQTT 3.1.1, table 3.1). */
const BAD_USER_NAME_OR_PASSWORD = 4;
const NOT_AUTHORISED = 5;

export interface EmbeddedBrokerOptions {
  host: string;
  /** 0: the kernel chooses. */
  port: number;
  /** User name -> password. Absent: everybody may come in, without a name. */
  users?: ReadonlyMap<string, string>;
}

export interface EmbeddedBroker {
  /** `mqtt://HOST:PORT`, with the port that is really bound. */
  readonly url: string;
  readonly port: number;
  /** Ends all connections. */
  close(): Promise<void>;
}

/**
 * Starts it. Throws EnvironmentFault: `port-in-use`, `bad-address`, `no-privilege` (ports below 1024), `cannot-listen`.
 */
export async function startEmbeddedBroker(options: EmbeddedBrokerOptions): Promise<EmbeddedBroker> {
  const users = options.users ? passwordDigests(options.users) : null;
  const aedes = await Aedes.createBroker({
    maxClientsIdLength: MAX_CLIENT_ID_CHARACTERS,
    authenticate: (_client, user, password, done) => {
      const code = users ? refusalOf(users, user, password) : null;
      if (code === null) done(null, true);
      else done(authenticateError(code), null);
    },
  });
  const connections = new Set<Socket>();
  const server = createServer((socket) => {
    connections.add(socket);
    socket.on('close', () => connections.delete(socket));
    socket.setNoDelay(true);
    aedes.handle(new BoundedConnection(socket, MAX_PACKET_BYTES));
  });
  server.maxConnections = MAX_CONNECTIONS;
  try {
    await listen(server, options);
  } catch (error) {
    await closeAedes(aedes);
    throw error;
  }
  const port = boundPort(server);
  return {
    url: `mqtt://${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}`,
    port,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await closeAedes(aedes);
      for (const socket of connections) socket.destroy();
      await closed;
    },
  };
}

function closeAedes(aedes: Aedes): Promise<void> {
  return new Promise((closed) => aedes.close(closed));
}

function passwordDigests(users: ReadonlyMap<string, string>): ReadonlyMap<string, Buffer> {
  return new Map([...users].map(([user, password]) => [user, digestOf(password)]));
}

/** Null: come in. An unknown user costs the same comparison as a known one. */
function refusalOf(
  users: ReadonlyMap<string, Buffer>,
  user: string | undefined,
  password: Uint8Array | undefined,
): number | null {
  if (user === undefined) return NOT_AUTHORISED;
  const known = users.get(user);
  const equal = timingSafeEqual(digestOf(password ?? ''), known ?? NOBODYS_DIGEST);
  return known && equal ? null : BAD_USER_NAME_OR_PASSWORD;
}

/** Digests are of one length, so that the comparison tells nothing of the password's. */
function digestOf(password: string | Uint8Array): Buffer {
  return createHash('sha256').update(password).digest();
}

const NOBODYS_DIGEST = Buffer.alloc(32);

function authenticateError(returnCode: number): AuthenticateError {
  const sentence = returnCode === NOT_AUTHORISED ? 'no user name given' : 'wrong user name or password';
  return Object.assign(new Error(sentence), { returnCode });
}

function listen(server: Server, { host, port }: EmbeddedBrokerOptions): Promise<void> {
  return new Promise((listening, failed) => {
    // Stays after the start: what fails later is one connection's matter.
    server.on('error', (error) => failed(listenFault(host, port, error)));
    server.listen({ host, port }, listening);
  });
}

function boundPort(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}

function listenFault(host: string, port: number, error: Error): EnvironmentFault {
  const where = `${host}:${port}`;
  const fault = (code: string, why: string): EnvironmentFault =>
    new EnvironmentFault(code, `cannot listen on ${where}: ${why}`, { cause: error });
  switch ('code' in error ? error.code : '') {
    case 'EADDRINUSE':
      return fault('port-in-use', 'the port is in use, perhaps by another broker; choose another port, or 0');
    case 'EACCES':
      return fault('no-privilege', 'ports below 1024 are for root; choose a higher one such as 1883');
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EINVAL':
    case 'EAFNOSUPPORT':
      return fault(
        'bad-address',
        'this machine has no such address; use one of its own, 127.0.0.1 or 0.0.0.0',
      );
    default:
      return fault('cannot-listen', sentenceOf(error));
  }
}
