/**
 * The fast path of one link:
 *   1 keys are agreed over the `control` channel, and again every two minutes (fast-sessions.ts)
 *   2 every endpoint of the peer is probed, which also opens NATs, until one echoes (path-search.ts)
 *   3 the best proven endpoint gets the frames (path-selection.ts); before that they take the slow path
 *   4 how large a frame it carries whole is found in band (path-mtu.ts)
 *   5 silence takes them back to the slow path (link-liveness.ts), and the search begins again
 */
import type { Endpoint, PeerTraffic } from '../ports/datapath.ts';
import { MAX_ENDPOINTS } from '../wire/link-control.ts';
import type { FastControl, FastPathParts } from './fast-path-types.ts';
import { FastSessions } from './fast-sessions.ts';
import {
  type EchoWatch,
  type FastVerdict,
  type FastWatch,
  startEchoWatch,
  startFastWatch,
  watchEchoes,
  watchFastPath,
} from './link-liveness.ts';
import { pathKey } from './path-candidate.ts';
import { type FrameLimit, PathMtu } from './path-mtu.ts';
import { PathSearch } from './path-search.ts';

/** How long a doubt is followed up by probes; then the watch over silence has long decided. */
const DOUBT_MS = 2_000;
/** Between comparisons of the proven paths, while frames flow. */
const COMPARE_MS = 5_000;
/** As the limit of a path: every frame comes up as `oversize`. */
const NOTHING_FITS = 1;

export class FastPath {
  readonly #parts: FastPathParts;
  readonly #sessions: FastSessions;
  readonly #search: PathSearch;
  readonly #mtu: PathMtu;
  #current: string | null = null;
  #doubtedSinceMs: number | null = null;
  #watch: FastWatch;
  #echoes: EchoWatch;
  #comparedAtMs = 0;
  #framesCompared = 0;
  #throughController = false;

  constructor(parts: FastPathParts) {
    this.#parts = parts;
    const { slot, datapath, clock } = parts;
    this.#watch = startFastWatch(clock.monotonicMs());
    this.#echoes = startEchoWatch(clock.monotonicMs());
    this.#sessions = new FastSessions({
      ...parts,
      limits: parts.rekey,
      ownEndpoints: () => this.#ownEndpoints(),
    });
    this.#search = new PathSearch({
      clock,
      allowed: parts.allowed,
      sendProbe: (endpoint, id, frameBytes) => datapath.sendProbe(slot, endpoint, id, frameBytes),
    });
    this.#mtu = new PathMtu({
      clock,
      maxFrameBytes: parts.maxFrameBytes,
      probe: (frameBytes) => (this.#current === null ? null : this.#search.probe(this.#current, frameBytes)),
      changed: () => this.#program(),
    });
  }

  /** Null without a path. */
  get frameLimit(): FrameLimit | null {
    return this.#current === null ? null : this.#mtu.limit;
  }

  get active(): boolean {
    return this.#current !== null;
  }

  get endpoint(): string | null {
    return this.#current;
  }

  get cipher(): string | null {
    return this.#current === null ? null : this.#sessions.cipher;
  }

  get generation(): number {
    return this.#sessions.generation;
  }

  get rttMs(): number | null {
    return this.#search.at(this.#current)?.rttMs ?? null;
  }

  start(): void {
    this.#sessions.offer();
  }

  stop(): void {
    this.#search.stop();
    this.#sessions.stop();
    this.#moveTo(null);
  }

  receive(message: FastControl): void {
    if (message.type === 'fast-ready') {
      this.#sessions.receiveReady(message);
      return;
    }
    this.#learn(message.endpoints);
    const first = this.#sessions.generation === 0;
    const installed = message.type === 'fast-offer' && this.#sessions.receiveOffer(message);
    if ((installed && first) || (message.type === 'endpoints' && !first)) this.#search.restart();
  }

  /** Our own endpoints are others, or more. */
  tellEndpoints(): void {
    this.#parts.send({ type: 'endpoints', endpoints: this.#ownEndpoints() });
  }

  /** Our own endpoints changed: the peer must know, and every path must prove itself again. */
  networkChanged(): void {
    if (this.#sessions.generation === 0) return;
    this.tellEndpoints();
    this.#doubtedSinceMs = this.#parts.clock.monotonicMs();
    this.#search.restart();
  }

  probeReply(endpoint: Endpoint, id: number, rttUs: number): void {
    this.#mtu.echoed(id);
    const key = this.#search.echo(endpoint, id, rttUs / 1000);
    if (key === null) return;
    if (key === this.#current) {
      this.#doubtedSinceMs = null;
      this.#echoes = { ...this.#echoes, askedSinceMs: null };
    }
    this.#moveTo(this.#search.choose(this.#doubtedSinceMs));
  }

  /** The peer was heard from an endpoint that is not the path: it may have moved. */
  heard(endpoint: Endpoint): void {
    if (!this.#parts.allowed(endpoint.address)) return;
    this.#search.learn([endpoint]);
    this.#search.probe(pathKey(endpoint));
    if (this.#current === null || this.#current === pathKey(endpoint)) return;
    this.#doubtedSinceMs ??= this.#parts.clock.monotonicMs();
    this.#search.probe(this.#current);
  }

  /** One extra probe over the current path; its id, or null where there is no path. */
  ping(): number | null {
    return this.#current === null ? null : this.#search.probe(this.#current);
  }

  /** To be called every 250 ms with the datapath's counters. */
  tick(nowMs: number, traffic: PeerTraffic | undefined): FastVerdict {
    if (traffic && this.#sessions.generation > 0) this.#sessions.tick(nowMs, traffic);
    if (this.#current === null) return 'alive';
    if (this.#doubtedSinceMs !== null && nowMs - this.#doubtedSinceMs <= DOUBT_MS) this.#search.compare();
    if (traffic) this.#compare(nowMs, traffic);
    this.#mtu.tick(nowMs, traffic?.sent.frames ?? 0);
    if (this.#throughController !== this.#parts.throughController()) this.#program();
    const verdict = this.#verdict(nowMs, traffic);
    if (verdict === 'lost') {
      this.#search.forgetEchoes();
      this.#moveTo(null);
      this.#search.restart();
    } else if (verdict === 'suspect') this.#search.compare();
    else if (verdict === 'keep-alive') this.ping();
    return verdict;
  }

  #verdict(nowMs: number, traffic: PeerTraffic | undefined): FastVerdict {
    const { lastSentAgeMs, lastReceivedAgeMs } = traffic ?? { lastSentAgeMs: null, lastReceivedAgeMs: null };
    const { rttMs } = this;
    const heard = watchFastPath(this.#watch, { nowMs, lastSentAgeMs, lastReceivedAgeMs, rttMs });
    this.#watch = heard.watch;
    const unanswered = this.#echoes.askedSinceMs !== null;
    const echoes = watchEchoes(this.#echoes, { nowMs, sentFrames: traffic?.sent.frames ?? 0, rttMs });
    this.#echoes = echoes.watch;
    if (echoes.verdict === 'lost') return 'lost';
    // The echo of another path shows that this one's is lost, and not late.
    if (echoes.verdict === 'ask' && unanswered) this.#search.compare();
    else if (echoes.verdict === 'ask') this.ping();
    return heard.verdict;
  }

  /** While frames flow, alternatives may have become better; an idle link is not worth the packets. */
  #compare(nowMs: number, { sent }: PeerTraffic): void {
    if (nowMs - this.#comparedAtMs < COMPARE_MS || sent.frames === this.#framesCompared) return;
    this.#comparedAtMs = nowMs;
    this.#framesCompared = sent.frames;
    this.#search.compare();
  }

  #ownEndpoints(): Endpoint[] {
    const port = this.#parts.datapath.udpPort;
    const hosts = this.#parts.underlayAddresses().map((address) => ({ address, port }));
    const reflexive = this.#parts.reflexive();
    const known = new Set(reflexive.map(pathKey));
    const others = hosts.filter((endpoint) => !known.has(pathKey(endpoint)));
    return [...others.slice(0, MAX_ENDPOINTS - reflexive.length), ...reflexive];
  }

  #learn(endpoints: readonly Endpoint[]): void {
    const nat = this.#parts.natAddress();
    const port = endpoints[0]?.port;
    this.#search.learn(
      nat !== null && port !== undefined ? [...endpoints, { address: nat, port }] : endpoints,
    );
  }

  #program(): void {
    const path = this.#search.at(this.#current);
    this.#throughController = this.#parts.throughController();
    const limitBytes = this.#throughController ? NOTHING_FITS : this.frameLimit?.bytes;
    this.#parts.datapath.setPath(this.#parts.slot, path?.endpoint ?? null, limitBytes);
  }

  #moveTo(key: string | null): void {
    if (key === this.#current) return;
    const path = this.#search.at(key);
    this.#current = path ? key : null;
    this.#search.use(this.#current);
    this.#doubtedSinceMs = null;
    this.#echoes = startEchoWatch(this.#parts.clock.monotonicMs());
    this.#watch = startFastWatch(this.#parts.clock.monotonicMs());
    if (path) this.#mtu.restart();
    this.#program();
    this.#parts.pathChanged(path ? 'fast' : 'slow', this.#current);
  }
}
