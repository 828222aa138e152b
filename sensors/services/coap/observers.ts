/**
 * All clients that observe something (RFC 7641): who may, how many, and what ends it: the client itself, another request
 * with the same token, no acknowledgement (observation.ts), or a right that it has lost.
 */
import type { ParsedPacket } from 'coap-packet';
import type { Clock } from '../../../agent/ports/clock.ts';
import type { DatagramEndpoint } from '../../../agent/ports/datagram.ts';
import type { CoapAnswer, CoapRequest } from './coap-message.ts';
import type { CoapResources, CoapResourcesOptions } from './coap-resources.ts';
import { Observation } from './observation.ts';

export const MOST_OBSERVATIONS = 32;
/** From one address, so that one client leaves others a place. */
export const MOST_OBSERVATIONS_OF_ONE = 24;
const REGISTER = 0;
const MAY_READ_NO_MORE: CoapAnswer = { code: '4.03', payload: 'you may read this node no more' };

interface Observer {
  /** Of a sensor or an actuator. */
  id: string;
  from: DatagramEndpoint;
  observation: Observation;
}

/** Sends one notification; gives the message's number, or null when that was the last one. */
type Tell = (answer: CoapAnswer, confirmable: boolean) => number | null;

export interface ObserversOptions extends Pick<CoapResourcesOptions, 'history' | 'actuators' | 'gate'> {
  clock: Clock;
  random: () => number;
}

export class Observers {
  readonly #options: ObserversOptions;
  readonly #resources: CoapResources;
  /** By client and token. */
  readonly #observers = new Map<string, Observer>();
  #unsubscribe: Array<() => void> = [];

  constructor(options: ObserversOptions, resources: CoapResources) {
    this.#options = options;
    this.#resources = resources;
  }

  get count(): number {
    return this.#observers.size;
  }

  /** A request got this answer; whether its client observes from now on. */
  answered(
    from: DatagramEndpoint,
    token: Buffer,
    { observe, path, accept }: CoapRequest,
    { code }: CoapAnswer,
    tell: Tell,
  ): boolean {
    const id = this.#resources.observedAt(path);
    if (observe === null || id === null) return false;
    const key = `${from.address} ${from.port} ${token.toString('hex')}`;
    this.#observers.get(key)?.observation.end();
    if (observe !== REGISTER || code !== '2.05' || !this.#hasPlace(from.address)) return false;
    const { clock, random, gate } = this.#options;
    const observation = new Observation({
      clock,
      random,
      tell: (confirmable) => tell(this.#resources.state(path, accept), confirmable),
      onEnd: () => {
        stopAsking();
        this.#forget(key);
      },
    });
    const stopAsking = gate.follow(from.address, () => {
      tell(MAY_READ_NO_MORE, false);
      observation.end();
    });
    this.#observers.set(key, { id, from, observation });
    this.#wake();
    return true;
  }

  /** RFC 7641 section 3.6: a client that refuses a notification observes no more. */
  heard({ messageId, reset }: ParsedPacket, from: DatagramEndpoint): void {
    for (const { from: of, observation } of this.#observers.values()) {
      if (of.address !== from.address || of.port !== from.port || !observation.sent(messageId)) continue;
      if (reset) observation.end();
      else observation.acknowledged();
      return;
    }
  }

  /** Ends all. */
  close(): void {
    for (const { observation } of [...this.#observers.values()]) observation.end();
  }

  #hasPlace(address: string): boolean {
    const ofOne = [...this.#observers.values()].filter(({ from }) => from.address === address).length;
    return this.#observers.size < MOST_OBSERVATIONS && ofOne < MOST_OBSERVATIONS_OF_ONE;
  }

  #wake(): void {
    if (this.#unsubscribe.length > 0) return;
    const { history, actuators } = this.#options;
    this.#unsubscribe = [
      history.onReading((id) => this.#news(id)),
      actuators.onChange(({ id }) => this.#news(id)),
    ];
  }

  #news(changed: string): void {
    for (const { id, observation } of this.#observers.values()) if (id === changed) observation.news();
  }

  #forget(key: string): void {
    this.#observers.delete(key);
    if (this.#observers.size > 0) return;
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
  }
}
