/** A real MQTT broker (aedes) on a port of its own, which a test can stop and start again. */
import { createServer, type Server, type Socket } from 'node:net';
import { Aedes, type AuthenticateError } from 'aedes';

export interface TestBrokerOptions {
  /** CONNACK code to refuse every connection with; 4: bad user name or password. */
  refuseWith?: number;
  forbiddenTopic?: string;
}

export class TestBroker {
  port = 0;
  readonly #options: TestBrokerOptions;
  readonly #sockets = new Set<Socket>();
  #aedes: Aedes | null = null;
  #server: Server | null = null;

  constructor(options: TestBrokerOptions = {}) {
    this.#options = options;
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.port}`;
  }

  async start(): Promise<this> {
    const aedes = await Aedes.createBroker({
      authenticate: (_client, _user, _password, done) => this.#authenticate(done),
      authorizeSubscribe: (_client, subscription, done) =>
        done(null, subscription.topic === this.#options.forbiddenTopic ? null : subscription),
    });
    const server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('close', () => this.#sockets.delete(socket));
      aedes.handle(socket);
    });
    await new Promise<void>((resolve) => server.listen(this.port, '127.0.0.1', resolve));
    const address = server.address();
    this.port = typeof address === 'object' && address ? address.port : 0;
    this.#aedes = aedes;
    this.#server = server;
    return this;
  }

  /** Cuts every connection and frees the port; `start` comes back on the same one, with nothing retained. */
  async stop(): Promise<void> {
    const { port } = this;
    const server = this.#server;
    const aedes = this.#aedes;
    this.#server = null;
    this.#aedes = null;
    for (const socket of this.#sockets) socket.destroy();
    if (server) await new Promise<void>((resolve) => server.close(() => resolve()));
    if (aedes) await new Promise<void>((resolve) => aedes.close(() => resolve()));
    this.port = port;
  }

  /** Drops every TCP connection, as a network does. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Bytes to every connected client as they are, valid or not. */
  sendRaw(bytes: Uint8Array): void {
    for (const socket of this.#sockets) socket.write(bytes);
  }

  #authenticate(done: (error: AuthenticateError | null, success: boolean | null) => void): void {
    const { refuseWith } = this.#options;
    if (refuseWith === undefined) done(null, true);
    else done(Object.assign(new Error('refused'), { returnCode: refuseWith }), null);
  }
}
