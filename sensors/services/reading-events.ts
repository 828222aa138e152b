/**
 * `GET /events`: every new reading to every follower, as server-sent events. The text is made once for all of them;
 * readings of one moment go out together, because each write wakes a radio. Costs nothing while nobody follows.
 */
import type { Clock, Timer } from '../../agent/ports/clock.ts';
import type { HttpClient } from '../../agent/ports/http.ts';
import type { Reading } from '../reading.ts';
import { EventFollower } from './event-follower.ts';
import { EventIds } from './event-ids.ts';
import { pingEvent, RETRY, readingEvent, replay, snapshot, valueEvent } from './event-text.ts';
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
  readonly #encoder = new TextEncoder();
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
    const { source } = this.#services;
    return this.#follow(
      { client, only: null },
      lastEventId === undefined
        ? snapshot(source, this.#ids)
        : replay(this.#services, this.#ids, lastEventId),
    );
  }

  /** The bare values of one sensor, beginning with the present one; null: too many followers. */
  followValue(reading: Reading, client: HttpClient): ReadableStream<Uint8Array> | null {
    return this.#follow({ client, only: reading.id }, valueEvent(reading, this.#ids.of(reading.seq)));
  }

  /** Ends every stream. */
  close(): void {
    for (const follower of this.#followers.keys()) follower.end();
    this.#followers.clear();
    this.#rest();
  }

  #follow(following: Following, first: string): ReadableStream<Uint8Array> | null {
    if (!this.#hasPlace(following.client)) return null;
    const follower = new EventFollower(
      () => following.client.cut(),
      (left) => this.#drop(left),
    );
    this.#followers.set(follower, following);
    this.#wake();
    this.#send(follower, this.#encoder.encode(RETRY + first));
    return follower.body;
  }

  #hasPlace({ remoteAddress }: HttpClient): boolean {
    const ofOne = [...this.#followers.values()].filter(
      (other) => other.client.remoteAddress === remoteAddress,
    ).length;
    return this.#followers.size < MOST_FOLLOWERS && ofOne < MOST_FOLLOWERS_OF_ONE;
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
    let all = '';
    for (const [id, seq] of news) {
      const reading = this.#services.source.reading(id);
      if (!reading) continue;
      this.#toldState.set(id, stateOf(reading));
      const eventId = this.#ids.of(seq);
      all += readingEvent(reading, eventId);
      this.#sendTo(id, valueEvent(reading, eventId));
    }
    this.#sendTo(null, all);
  }

  /** A sensor that falls silent makes no entry, and must not look alive. */
  #check(): void {
    let changed = '';
    for (const reading of this.#services.source.readings()) {
      if (this.#toldState.get(reading.id) === stateOf(reading)) continue;
      this.#toldState.set(reading.id, stateOf(reading));
      changed += readingEvent(reading, '');
    }
    this.#sendTo(null, changed);
    if (++this.#checked % CHECKS_PER_PING !== 0) return;
    const ping = this.#encoder.encode(pingEvent(this.#services.wallMs()));
    for (const follower of this.#followers.keys()) this.#send(follower, ping);
  }

  #sendTo(only: string | null, text: string): void {
    if (text === '') return;
    const bytes = this.#encoder.encode(text);
    for (const [follower, wanted] of this.#followers) if (wanted.only === only) this.#send(follower, bytes);
  }

  #send(follower: EventFollower, bytes: Uint8Array): void {
    if (!follower.offer(bytes)) this.#drop(follower);
  }

  #drop(follower: EventFollower): void {
    this.#followers.delete(follower);
    if (this.#followers.size === 0) this.#rest();
  }
}

function stateOf({ quality, reason }: Reading): string {
  return `${quality} ${reason}`;
}
