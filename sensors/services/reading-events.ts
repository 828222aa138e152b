/**
 * `GET /events` and `/ws`: every new reading to every follower. Its text is made once for all of one form (event-batch.ts);
 * readings of one moment go out together, because each write wakes a radio. Costs nothing while nobody follows.
 */
import type { Clock, Timer } from '../../agent/ports/clock.ts';
import type { HttpClient, SocketHandler } from '../../agent/ports/http.ts';
import { type Reading, rfc3339 } from '../reading.ts';
import { EventBatch } from './event-batch.ts';
import { type EventFollower, SocketFollower, StreamFollower } from './event-follower.ts';
import { EventIds } from './event-ids.ts';
import { replay, type ServedEvent, snapshot, valueEvent } from './served-events.ts';
import type { ServiceSource } from './service-source.ts';

/** Each holds a connection, of which a binding has 64, and at worst a full queue. */
export const MOST_FOLLOWERS = 32;
/** From one address, so that one client leaves others a place. */
export const MOST_FOLLOWERS_OF_ONE = 24;
/** Readings of one round come within this time. */
const GATHER_MS = 50;
/** How soon a follower learns that a sensor fell silent. */
const QUALITY_CHECK_MS = 5_000;
/** Below the listener's bound for idle connections, and below what NATs forget. */
const CHECKS_PER_PING = 3;

interface Following {
  client: HttpClient;
  /** The one sensor whose bare values it gets; null: all readings. */
  only: string | null;
}

export class ReadingEvents {
  readonly #services: ServiceSource;
  readonly #clock: Clock;
  readonly #ids: EventIds;
  readonly #followers = new Map<EventFollower, Following>();
  /** Sensors with something new to tell -> under which number. */
  readonly #news = new Map<string, number>();
  /** What followers were told last of each sensor's state. */
  readonly #toldState = new Map<string, string>();
  #gathering: Timer | null = null;
  #checks: Timer | null = null;
  #checked = 0;
  #unsubscribe: (() => void) | null = null;

  constructor(services: ServiceSource, clock: Clock, ids = new EventIds()) {
    this.#services = services;
    this.#ids = ids;
    this.#clock = clock;
  }

  get followers(): number {
    return this.#followers.size;
  }

  /** All readings, from after `lastEventId` on, else from now; null: there are as many followers as there may be. */
  followAll(client: HttpClient, lastEventId: string | undefined): ReadableStream<Uint8Array> | null {
    return this.#followStream({ client, only: null }, this.#firstFor(lastEventId));
  }

  /** The bare values of one sensor, beginning with the present one; null: too many followers. */
  followValue(reading: Reading, client: HttpClient): ReadableStream<Uint8Array> | null {
    return this.#followStream({ client, only: reading.id }, valueEvent(reading, reading.seq));
  }

  /** As `followAll`, on a WebSocket. */
  followOnSocket(client: HttpClient, lastEventId: string | undefined): SocketHandler | null {
    if (!this.hasPlace(client)) return null;
    return (socket) => {
      const follower = new SocketFollower(socket);
      this.#begin(follower, { client, only: null }, this.#firstFor(lastEventId));
      return () => this.#drop(follower);
    };
  }

  /** Whether one more client of this address can follow. */
  hasPlace({ remoteAddress }: HttpClient): boolean {
    const ofOne = [...this.#followers.values()].filter(
      (other) => other.client.remoteAddress === remoteAddress,
    ).length;
    return this.#followers.size < MOST_FOLLOWERS && ofOne < MOST_FOLLOWERS_OF_ONE;
  }

  /** Ends every stream. */
  close(): void {
    for (const follower of this.#followers.keys()) follower.end();
    this.#followers.clear();
    this.#rest();
  }

  #followStream(following: Following, first: ServedEvent[]): ReadableStream<Uint8Array> | null {
    if (!this.hasPlace(following.client)) return null;
    const follower = new StreamFollower(
      () => following.client.cut(),
      (left) => this.#drop(left),
    );
    this.#begin(follower, following, first);
    return follower.body;
  }

  #begin(follower: EventFollower, following: Following, first: ServedEvent[]): void {
    this.#followers.set(follower, following);
    this.#wake();
    this.#send(follower, new EventBatch(first, this.#ids));
  }

  #firstFor(lastEventId: string | undefined): ServedEvent[] {
    const { source } = this.#services;
    return lastEventId === undefined ? snapshot(source) : replay(this.#services, this.#ids, lastEventId);
  }

  #wake(): void {
    if (this.#unsubscribe) return;
    this.#unsubscribe = this.#services.history.onReading((id, { seq }) => this.#add(id, seq));
    for (const reading of this.#services.source.readings()) this.#toldState.set(reading.id, stateOf(reading));
    this.#checks = this.#clock.every(QUALITY_CHECK_MS, () => this.#check());
  }

  #rest(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = null;
    this.#checks?.cancel();
    this.#gathering?.cancel();
    this.#gathering = null;
    this.#news.clear();
    this.#toldState.clear();
  }

  #add(id: string, seq: number): void {
    this.#news.set(id, seq);
    this.#gathering ??= this.#clock.after(GATHER_MS, () => this.#tell());
  }

  #tell(): void {
    this.#gathering = null;
    const news = [...this.#news].sort(([, one], [, other]) => one - other);
    this.#news.clear();
    const all: ServedEvent[] = [];
    for (const [id, seq] of news) {
      const reading = this.#services.source.reading(id);
      if (!reading) continue;
      this.#toldState.set(id, stateOf(reading));
      all.push({ kind: 'reading', seq, reading });
      this.#sendTo(id, valueEvent(reading, seq));
    }
    this.#sendTo(null, all);
  }

  /** A sensor that falls silent makes no entry, and must not look alive. */
  #check(): void {
    const changed: ServedEvent[] = [];
    for (const reading of this.#services.source.readings()) {
      if (this.#toldState.get(reading.id) === stateOf(reading)) continue;
      this.#toldState.set(reading.id, stateOf(reading));
      changed.push({ kind: 'reading', seq: 0, reading });
    }
    this.#sendTo(null, changed);
    if (++this.#checked % CHECKS_PER_PING !== 0) return;
    const wallMs = this.#services.wallMs();
    const time = wallMs === null ? null : rfc3339(wallMs);
    const ping = new EventBatch([{ kind: 'ping', seq: 0, time }], this.#ids);
    for (const follower of this.#followers.keys()) this.#send(follower, ping);
  }

  #sendTo(only: string | null, events: readonly ServedEvent[]): void {
    if (events.length === 0) return;
    const batch = new EventBatch(events, this.#ids);
    for (const [follower, wanted] of this.#followers) if (wanted.only === only) this.#send(follower, batch);
  }

  #send(follower: EventFollower, batch: EventBatch): void {
    if (!follower.offer(batch)) this.#drop(follower);
  }

  #drop(follower: EventFollower): void {
    this.#followers.delete(follower);
    if (this.#followers.size === 0) this.#rest();
  }
}

function stateOf({ quality, reason }: Reading): string {
  return `${quality} ${reason}`;
}
