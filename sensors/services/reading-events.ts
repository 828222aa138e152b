/**
 * `GET /events` and `/ws`: every new reading, and every change of an actuator, to every follower. Its text is made once for all of one form (event-batch.ts);
 * readings of one moment go out together, because each write wakes a radio. Costs nothing while nobody follows.
 */
import type { Clock, Timer } from '../../agent/ports/clock.ts';
import type { HttpClient, SocketHandler } from '../../agent/ports/http.ts';
import type { ActuatorPanel, ActuatorState } from '../actuator.ts';
import { type Reading, rfc3339 } from '../reading.ts';
import { EventBatch } from './event-batch.ts';
import { type EventFollower, SocketFollower, StreamFollower } from './event-follower.ts';
import { EventIds } from './event-ids.ts';
import { replay, type ServedEvent, snapshot, valueEvent } from './served-events.ts';
import type { ServiceSource } from './service-source.ts';

/** What followers are told of. */
export interface FollowedSource extends ServiceSource {
  actuators: Pick<ActuatorPanel, 'states' | 'state' | 'onChange'>;
}

/** Calls back when whoever has an address may read no more. Returns how to stop. */
export type FollowReader = (address: string, onLost: () => void) => () => void;

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

interface Wanted {
  client: HttpClient;
  /** The one sensor or actuator whose bare values it gets; null: everything. */
  only: string | null;
}

interface Following extends Wanted {
  /** Nobody asks any more whether he may still read. */
  stopAsking: () => void;
}

export class ReadingEvents {
  readonly #services: FollowedSource;
  readonly #clock: Clock;
  readonly #ids: EventIds;
  readonly #follow: FollowReader;
  readonly #followers = new Map<EventFollower, Following>();
  /** Sensors with something new to tell -> under which number. */
  readonly #news = new Map<string, number>();
  readonly #changedActuators = new Set<string>();
  /** What followers were told last of each sensor's state. */
  readonly #toldState = new Map<string, string>();
  #gathering: Timer | null = null;
  #checks: Timer | null = null;
  #checked = 0;
  #unsubscribe: Array<() => void> = [];

  constructor(
    services: FollowedSource,
    { clock, follow }: { clock: Clock; follow: FollowReader },
    ids = new EventIds(),
  ) {
    this.#services = services;
    this.#ids = ids;
    this.#clock = clock;
    this.#follow = follow;
  }

  get followers(): number {
    return this.#followers.size;
  }

  /** Readings from after `lastEventId` on, else from now, and actuators; null: there are as many followers as there may be. */
  followAll(client: HttpClient, lastEventId: string | undefined): ReadableStream<Uint8Array> | null {
    return this.#followStream({ client, only: null }, this.#firstFor(lastEventId));
  }

  /** The bare values of one sensor, beginning with the present one; null: too many followers. */
  followValue(reading: Reading, client: HttpClient): ReadableStream<Uint8Array> | null {
    return this.#followStream({ client, only: reading.id }, valueEvent(reading, reading.seq));
  }

  /** As `followValue`, of an actuator. */
  followActuator(state: ActuatorState, client: HttpClient): ReadableStream<Uint8Array> | null {
    return this.#followStream({ client, only: state.id }, valueEvent(state, 0));
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
    for (const follower of [...this.#followers.keys()]) this.#end(follower);
  }

  #followStream(following: Wanted, first: ServedEvent[]): ReadableStream<Uint8Array> | null {
    if (!this.hasPlace(following.client)) return null;
    const follower = new StreamFollower(
      () => following.client.cut(),
      (left) => this.#drop(left),
    );
    this.#begin(follower, following, first);
    return follower.body;
  }

  #begin(follower: EventFollower, wanted: Wanted, first: ServedEvent[]): void {
    const stopAsking = this.#follow(wanted.client.remoteAddress, () => this.#end(follower));
    this.#followers.set(follower, { ...wanted, stopAsking });
    this.#wake();
    this.#send(follower, new EventBatch(first, this.#ids));
  }

  #firstFor(lastEventId: string | undefined): ServedEvent[] {
    const { source, actuators } = this.#services;
    const states: ServedEvent[] = actuators.states().map((state) => ({ kind: 'actuator', seq: 0, state }));
    const readings =
      lastEventId === undefined ? snapshot(source) : replay(this.#services, this.#ids, lastEventId);
    return [...states, ...readings];
  }

  #wake(): void {
    if (this.#checks) return;
    const { history, actuators, source } = this.#services;
    this.#unsubscribe = [
      history.onReading((id, { seq }) => this.#add(id, seq)),
      actuators.onChange(({ id }) => this.#changed(id)),
    ];
    for (const reading of source.readings()) this.#toldState.set(reading.id, stateOf(reading));
    this.#checks = this.#clock.every(QUALITY_CHECK_MS, () => this.#check());
  }

  #rest(): void {
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
    this.#checks?.cancel();
    this.#checks = null;
    this.#gathering?.cancel();
    this.#gathering = null;
    this.#news.clear();
    this.#changedActuators.clear();
    this.#toldState.clear();
  }

  #add(id: string, seq: number): void {
    this.#news.set(id, seq);
    this.#gathering ??= this.#clock.after(GATHER_MS, () => this.#tell());
  }

  #changed(actuator: string): void {
    this.#changedActuators.add(actuator);
    this.#gathering ??= this.#clock.after(GATHER_MS, () => this.#tell());
  }

  #tell(): void {
    this.#gathering = null;
    const news = [...this.#news].sort(([, one], [, other]) => one - other);
    this.#news.clear();
    const all: ServedEvent[] = this.#actuatorNews();
    for (const [id, seq] of news) {
      const reading = this.#services.source.reading(id);
      if (!reading) continue;
      this.#toldState.set(id, stateOf(reading));
      all.push({ kind: 'reading', seq, reading });
      this.#sendTo(id, valueEvent(reading, seq));
    }
    this.#sendTo(null, all);
  }

  #actuatorNews(): ServedEvent[] {
    const ids = [...this.#changedActuators];
    this.#changedActuators.clear();
    return ids.flatMap((id) => {
      const state = this.#services.actuators.state(id);
      if (state) this.#sendTo(id, valueEvent(state, 0));
      return state ? [{ kind: 'actuator', seq: 0, state }] : [];
    });
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

  #end(follower: EventFollower): void {
    follower.end();
    this.#drop(follower);
  }

  #drop(follower: EventFollower): void {
    this.#followers.get(follower)?.stopAsking();
    this.#followers.delete(follower);
    if (this.#followers.size === 0) this.#rest();
  }
}

function stateOf({ quality, reason }: Reading): string {
  return `${quality} ${reason}`;
}
