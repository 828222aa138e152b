/**
 * An HTTP/1.1 server on one address and port, bounded against slow, greedy and broken clients.
 * Throws EnvironmentFault: `address-not-here` and `port-in-use` (both retryable), `no-privilege`, `cannot-listen`.
 */
export interface HttpListener {
  listen(options: HttpListenOptions): Promise<HttpBinding>;
}

export interface HttpListenOptions {
  /** IPv4 or IPv6 address of this machine, never a wildcard. */
  address: string;
  /** 0: the kernel chooses. */
  port: number;
  /** Asked once per connection, before a byte of it is parsed; a connection that is not admitted is cut. */
  admits(remoteAddress: string): boolean;
  handle(request: Request, client: HttpClient): Response | Promise<Response>;
  /**
   * A client wants a WebSocket (RFC 6455). Null: he gets none, and `handle` answers the request as any other.
   */
  openSocket?(request: Request, client: HttpClient): Promise<SocketHandler | null>;
  /** What failed inside `handle`, which the client only learns of as status 500. */
  onFault(error: unknown): void;
  limits?: Partial<HttpLimits>;
}

/** Who asks. */
export interface HttpClient {
  readonly remoteAddress: string;
  /** Resets the connection, and with it what the kernel still holds for a client that does not read. */
  cut(): void;
}

/** Takes a WebSocket that was opened; the result is called once when it is closed, by whomever. */
export type SocketHandler = (socket: ClientSocket) => () => void;

/** One client's WebSocket, on which only this side speaks: a client that sends a message is cut. */
export interface ClientSocket {
  /** Sends these messages in as few packets as it takes. */
  send(messages: readonly string[]): void;
  /** What was sent and waits for the client to read, beyond what the kernel has taken. */
  readonly waitingBytes: number;
  /** Says goodbye and closes. Idempotent. */
  close(): void;
  /** Resets the connection. Idempotent. */
  cut(): void;
}

export interface HttpLimits {
  /** Connections open at once on this binding; more are closed at once. */
  connections: number;
  headerBytes: number;
  /** From the first byte of a request to the end of its headers. */
  headersTimeoutMs: number;
  /** From the first byte of a request to its end. */
  requestTimeoutMs: number;
  /** Silence after an answer that ends the connection. */
  keepAliveTimeoutMs: number;
  /** Silence of any kind that ends the connection, such as a client that does not read its answer. */
  idleTimeoutMs: number;
}

export interface HttpBinding {
  readonly address: string;
  /** The port really bound. */
  readonly port: number;
  /** Stops listening and cuts the connections there are. Idempotent. */
  close(): Promise<void>;
}
