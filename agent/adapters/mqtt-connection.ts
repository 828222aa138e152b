/**
 * One connection to the broker, from CONNECT to its end: the only file that knows MQTT.js. It never reconnects; the bus
 * opens a new one, so no session, store or subscription of an old connection can leak into the next.
 */
import { Socket } from 'node:net';
import mqtt from 'mqtt';
import type { BusOptions } from '../ports/message-bus.ts';
import { PacketBound } from './mqtt-packet-bound.ts';

/** A signed document is at most 64 KiB; this leaves room for topics and headers, and refuses floods early. */
const MAX_PACKET_BYTES = 256 * 1024;
const CONNECT_LIMIT_MS = 10_000;
/** A dead broker is noticed after one and a half of these. */
const KEEPALIVE_S = 30;
const SUBSCRIPTION_REFUSED = 0x80;

export interface MqttConnectionEvents {
  connected(): void;
  message(topic: string, payload: Uint8Array, retained: boolean): void;
  /** Exactly once, also when it never connected; null: closed without an error. */
  ended(error: unknown): void;
}

/** SUBACK: granted, or refused by the broker's access list. */
export type SubscribeResult = 'granted' | 'refused' | 'lost';

export class MqttConnection {
  readonly #client: mqtt.MqttClient;
  #over = false;

  constructor(options: BusOptions, events: MqttConnectionEvents) {
    this.#client = mqtt.connect(options.url, {
      manualConnect: true,
      reconnectPeriod: 0,
      resubscribe: false,
      clean: true,
      protocolVersion: 4,
      // Its cache of every 16-bit number takes 8 MB of a small board's memory to save an allocation a packet.
      writeCache: false,
      clientId: options.clientId,
      connectTimeout: CONNECT_LIMIT_MS,
      keepalive: KEEPALIVE_S,
      ...(options.username === undefined ? {} : { username: options.username }),
      ...(options.password === undefined ? {} : { password: options.password }),
      ...(options.ca === undefined ? {} : { ca: options.ca }),
      ...(options.will
        ? { will: { ...options.will, payload: Buffer.from(options.will.payload), qos: 1, retain: true } }
        : {}),
    });
    let lastError: unknown = null;
    this.#client.on('error', (error) => {
      lastError ??= error;
      // A refused CONNECT suppresses 'close'; ending here covers both.
      this.#end(events, lastError);
    });
    this.#client.on('close', () => this.#end(events, lastError));
    this.#client.on('connect', () => {
      if (!this.#over) events.connected();
    });
    this.#client.on('message', (topic, payload, packet) => {
      if (!this.#over) events.message(topic, payload, packet.retain);
    });
    this.#client.connect();
    const { stream } = this.#client;
    // Signals are small and wait for each other: Nagle's algorithm costs 40 ms on each.
    if (stream instanceof Socket) stream.setNoDelay(true);
    const limit = new PacketBound(MAX_PACKET_BYTES);
    stream.on('data', (chunk: unknown) => {
      if (chunk instanceof Uint8Array && !limit.admits(chunk)) {
        this.#end(events, new Error(`it sent a packet of more than ${MAX_PACKET_BYTES} bytes`));
      }
    });
  }

  /** Calls back once: true when the broker acknowledged (QoS 1) or the bytes left (QoS 0). */
  publish(
    topic: string,
    payload: Uint8Array,
    qos: 0 | 1,
    retain: boolean,
    done: (taken: boolean) => void,
  ): void {
    this.#client.publish(topic, Buffer.from(payload), { qos, retain }, (error) => done(!error));
  }

  subscribe(topicFilter: string, done: (result: SubscribeResult) => void): void {
    this.#client.subscribe(topicFilter, { qos: 1 }, (error) => {
      if (!error) done('granted');
      else done(isRefusedSubscription(error) ? 'refused' : 'lost');
    });
  }

  unsubscribe(topicFilter: string): void {
    this.#client.unsubscribe(topicFilter, () => undefined);
  }

  /** DISCONNECT, so that the broker does not publish the will; `done` when the socket is closed. */
  disconnect(done: () => void): void {
    this.#over = true;
    this.#client.end(false, () => done());
  }

  /** Drops the socket at once. */
  destroy(): void {
    this.#over = true;
    this.#client.end(true);
  }

  #end(events: MqttConnectionEvents, error: unknown): void {
    if (this.#over) return;
    this.destroy();
    events.ended(error);
  }
}

/** A SUBACK of 0x80 (MQTT 3.1.1 section 3.9.3) comes as an error that has the code, or the packet, with it. */
function isRefusedSubscription(error: object): boolean {
  const { code, packet } = error as { code?: unknown; packet?: { granted?: unknown } };
  const granted = packet?.granted;
  return code === SUBSCRIPTION_REFUSED || (Array.isArray(granted) && granted.includes(SUBSCRIPTION_REFUSED));
}
