/**
 * The one persistent connection to the broker (MQTT 3.1.1 semantics). The broker is not trusted: whatever arrives is
 * bytes from a stranger. The bus reconnects for ever with capped backoff and jitter, and subscribes again by itself.
 */
export interface MessageBus {
  /** Connects in the background; never throws for an unreachable broker (see `state`). */
  connect(): void;
  /** Resolves when the broker has acknowledged (QoS 1); while offline it waits for the connection or `signal`. */
  publish(topic: string, payload: Uint8Array, options?: PublishOptions): Promise<void>;
  /** Subscribes for as long as the subscription lives, across reconnections. Retained messages come first. */
  subscribe(topicFilter: string, receive: MessageHandler): Subscription;
  state(): BusState;
  onState(listener: (state: BusState) => void): void;
  /** Publishes the clean-exit will (presence) if one was set, then disconnects. */
  close(): Promise<void>;
}

export interface PublishOptions {
  retain?: boolean;
  qos?: 0 | 1;
  signal?: AbortSignal;
}

/** `payload` is the receiver's to keep. An empty payload on a retained topic means "deleted". */
export type MessageHandler = (topic: string, payload: Uint8Array, retained: boolean) => void;

export interface Subscription {
  /** Resolves once the broker has acknowledged the subscription for the first time. */
  readonly ready: Promise<void>;
  cancel(): void;
}

export interface BusState {
  connected: boolean;
  /** One sentence: why it is not connected (`broker refused the password …`), or null. */
  problem: string | null;
  /** Stable name for scripts: `unreachable`, `bad-credentials`, `not-authorised`, `tls`, `kicked`; null when connected. */
  reason: string | null;
}

export interface BusOptions {
  /** `mqtt://`, `mqtts://`, `ws://` or `wss://`; user and password may stand in it. */
  url: string;
  username?: string;
  password?: string;
  /** PEM of the CA that the broker's certificate must lead to; the system's CAs where absent. */
  ca?: string;
  /** Unique on the broker; a second client with the same one kicks the first. */
  clientId: string;
  /** What the broker publishes for us when the connection dies, and what `close` publishes itself. */
  will?: { topic: string; payload: Uint8Array };
}

export type OpenMessageBus = (options: BusOptions) => MessageBus;
