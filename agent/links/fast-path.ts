/**
 * The fast path of one link, over the authenticated `control` channel:
 *   1 both send a fast-offer: key, receiver index, ciphers, endpoints
 *   2 with both offers of a generation the session goes into the datapath
 *   3 every endpoint of the peer is probed, which also opens NATs, until one echoes
 *   4 the best proven endpoint gets the frames (path-selection.ts); before that they take the slow path
 *   5 silence takes them back to the slow path (link-liveness.ts), and the search begins again
 */
import type { Clock, Timer } from '../ports/clock.ts';
import type { AeadCipher, Datapath, Endpoint, PeerTraffic } from '../ports/datapath.ts';
import { type FastOffer, type LinkControl, MAX_ENDPOINTS } from '../wire/link-control.ts';
import { agreedCipher, makeKeys, type OwnKeys, type ReceiveIndexes, supportedCiphers } from './fast-keys.ts';
import { type FastVerdict, type FastWatch, startFastWatch, watchFastPath } from './link-liveness.ts';
import {
  choosePath,
  echoed,
  MAX_PATHS,
  newPath,
  type PathCandidate,
  pathKey,
  probed,
  searchDelayMs,
} from './path-selection.ts';
import { ProbeIds } from './probe-ids.ts';

/** How long an echo of a doubted path may take before a proven other one takes over. */
const DOUBT_MS = 250;
/** Rounds over every endpoint after a path is found, so that the best one is found and not only the first. */
const FULL_ROUNDS = 6;

export interface FastPathParts {
  slot: number;
  datapath: Pick<Datapath, 'udpPort' | 'addSession' | 'setPath' | 'sendProbe'>;
  clock: Clock;
  indexes: ReceiveIndexes;
  aesHardware: boolean;
  underlayAddresses(): string[];
  /** False for addresses that must not be probed: the overlay's own. */
  allowed(address: string): boolean;
  /** Where ICE reaches the peer when that is behind a NAT: worth a guess with the peer's datapath port. */
  natAddress(): string | null;
  send(message: LinkControl): void;
  pathChanged(path: 'fast' | 'slow', endpoint: string | null): void;
}

export class FastPath {
  readonly #parts: FastPathParts;
  #keys: OwnKeys | null = null;
  #installed = false;
  #cipher: AeadCipher | null = null;
  #paths = new Map<string, PathCandidate>();
  #current: string | null = null;
  #doubtedSinceMs: number | null = null;
  #watch: FastWatch;
  #round = 0;
  #search: Timer | null = null;
  readonly #probeIds = new ProbeIds();

  constructor(parts: FastPathParts) {
    this.#parts = parts;
    this.#watch = startFastWatch(parts.clock.monotonicMs());
  }

  get active(): boolean {
    return this.#current !== null;
  }

  get endpoint(): string | null {
    return this.#current;
  }

  get cipher(): string | null {
    return this.#current === null ? null : this.#cipher;
  }

  get rttMs(): number | null {
    return this.#current === null ? null : (this.#paths.get(this.#current)?.rttMs ?? null);
  }

  start(): void {
    this.#sendOffer(1);
  }

  stop(): void {
    this.#search?.cancel();
    this.#search = null;
    if (this.#keys) this.#parts.indexes.free(this.#keys.receiveIndex);
    this.#keys = null;
    this.#installed = false;
    this.#moveTo(null);
  }

  receive(message: Extract<LinkControl, { type: 'fast-offer' | 'endpoints' }>): void {
    if (!this.#keys) return;
    this.#learn(message.endpoints);
    if (message.type === 'fast-offer') this.#install(message, this.#keys);
    else if (this.#installed) this.#searchAgain();
  }

  /** Our own addresses changed: the peer must know, and every path must prove itself again. */
  networkChanged(): void {
    if (!this.#installed) return;
    this.#parts.send({ type: 'endpoints', endpoints: this.#ownEndpoints() });
    this.#doubtedSinceMs = this.#parts.clock.monotonicMs();
    this.#searchAgain();
  }

  probeReply(endpoint: Endpoint, id: number, rttUs: number): void {
    const key = pathKey(endpoint);
    const path = this.#paths.get(key);
    if (!path || !this.#installed || !this.#probeIds.take(id, key)) return;
    const nowMs = this.#parts.clock.monotonicMs();
    this.#paths.set(key, echoed(path, rttUs / 1000, nowMs));
    if (key === this.#current) this.#doubtedSinceMs = null;
    this.#choose(null);
  }

  /** The peer was heard from an endpoint that is not the path: it may have moved. */
  heard(endpoint: Endpoint): void {
    if (!this.#installed || !this.#parts.allowed(endpoint.address)) return;
    this.#learn([endpoint]);
    this.#probe(pathKey(endpoint));
    if (this.#current === null || this.#current === pathKey(endpoint)) return;
    this.#doubtedSinceMs ??= this.#parts.clock.monotonicMs();
    this.#probe(this.#current);
  }

  /** One extra probe over the current path; its id, or null where there is no path. */
  ping(): number | null {
    return this.#current === null ? null : this.#probe(this.#current);
  }

  /** To be called every 250 ms with the datapath's counters. */
  tick(nowMs: number, traffic: PeerTraffic | undefined): FastVerdict {
    if (this.#current === null) return 'alive';
    if (this.#doubtedSinceMs !== null && nowMs - this.#doubtedSinceMs >= DOUBT_MS) {
      this.#choose(this.#doubtedSinceMs);
    }
    const { lastSentAgeMs, lastReceivedAgeMs } = traffic ?? { lastSentAgeMs: null, lastReceivedAgeMs: null };
    const { watch, verdict } = watchFastPath(this.#watch, { nowMs, lastSentAgeMs, lastReceivedAgeMs });
    this.#watch = watch;
    if (verdict === 'lost') {
      this.#forgetEchoes();
      this.#moveTo(null);
      this.#searchAgain();
    } else if (verdict !== 'alive' && this.#current !== null) this.#probe(this.#current);
    return verdict;
  }

  #sendOffer(generation: number): void {
    const keys = makeKeys(generation, this.#parts.indexes);
    this.#keys = keys;
    this.#parts.send({
      type: 'fast-offer',
      generation,
      receiveIndex: keys.receiveIndex,
      receiveKey: keys.receiveKey,
      ciphers: supportedCiphers(),
      aesHardware: this.#parts.aesHardware,
      endpoints: this.#ownEndpoints(),
    });
  }

  #install(offer: FastOffer, own: OwnKeys): void {
    const cipher = agreedCipher(this.#parts.aesHardware, offer);
    if (offer.generation !== own.generation || this.#installed || cipher === null) return;
    this.#parts.datapath.addSession(this.#parts.slot, {
      cipher,
      receiveIndex: own.receiveIndex,
      receiveKey: own.receiveKey,
      sendIndex: offer.receiveIndex,
      sendKey: offer.receiveKey,
    });
    this.#cipher = cipher;
    this.#installed = true;
    this.#searchAgain();
  }

  #ownEndpoints(): Endpoint[] {
    const port = this.#parts.datapath.udpPort;
    return this.#parts
      .underlayAddresses()
      .slice(0, MAX_ENDPOINTS)
      .map((address) => ({ address, port }));
  }

  #learn(endpoints: readonly Endpoint[]): void {
    const nat = this.#parts.natAddress();
    const port = endpoints[0]?.port;
    const guessed = nat !== null && port !== undefined ? [{ address: nat, port }] : [];
    for (const endpoint of [...endpoints, ...guessed]) {
      const key = pathKey(endpoint);
      if (this.#paths.has(key) || !this.#parts.allowed(endpoint.address)) continue;
      if (this.#paths.size >= MAX_PATHS) this.#forgetOne();
      this.#paths.set(key, newPath(endpoint));
    }
  }

  /** The oldest that never answered and is not in use. */
  #forgetOne(): void {
    const keys = [...this.#paths.keys()].filter((key) => key !== this.#current);
    const victim = keys.find((key) => this.#paths.get(key)?.echoedAtMs === null) ?? keys[0];
    if (victim !== undefined) this.#paths.delete(victim);
  }

  #forgetEchoes(): void {
    for (const [key, path] of this.#paths) this.#paths.set(key, { ...path, echoedAtMs: null });
  }

  #searchAgain(): void {
    this.#search?.cancel();
    this.#round = 0;
    this.#searchRound();
  }

  #searchRound(): void {
    this.#search = null;
    for (const key of this.#paths.keys()) this.#probe(key);
    const done = this.#current !== null && this.#round >= FULL_ROUNDS;
    if (done) return;
    const delayMs = searchDelayMs(this.#round++);
    this.#search = this.#parts.clock.after(delayMs, () => this.#searchRound());
  }

  #probe(key: string): number | null {
    const path = this.#paths.get(key);
    if (!path || !this.#installed) return null;
    const id = this.#probeIds.next(key);
    this.#paths.set(key, probed(path));
    this.#parts.datapath.sendProbe(this.#parts.slot, path.endpoint, id);
    return id;
  }

  #choose(doubtedSinceMs: number | null): void {
    const nowMs = this.#parts.clock.monotonicMs();
    this.#moveTo(choosePath({ paths: this.#paths, current: this.#current, doubtedSinceMs, nowMs }));
  }

  #moveTo(key: string | null): void {
    if (key === this.#current) return;
    const path = key === null ? undefined : this.#paths.get(key);
    this.#current = path ? key : null;
    this.#doubtedSinceMs = null;
    this.#watch = startFastWatch(this.#parts.clock.monotonicMs());
    this.#parts.datapath.setPath(this.#parts.slot, path?.endpoint ?? null);
    this.#parts.pathChanged(path ? 'fast' : 'slow', this.#current);
  }
}
