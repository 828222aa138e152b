/**
 * The work that every system does, in this order:
 *   1 memory at rest  2 a transfer that warms up and does not count  3 ping at rest
 *   4 TCP one stream, A to B, with CPU time and memory; B to A  5 four streams, A to B, with ping under load; B to A
 *   6 IPv6 inside, both ways  7 datagrams of 200 bytes as fast as the sender can  8 their fastest rate without loss
 *   9 TCP over the slow path, with CPU time
 * What fails is null in the result, with one sentence in `problems`.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { sentenceOf } from '../../agent/errors.ts';
import { type Transfer, type TransferResult, transfer } from './iperf.ts';
import { lossFreeRate } from './loss-free-rate.ts';
import { cpuSecondsOf, type MemoryUse, memoryOf } from './process-cost.ts';
import type { BenchRig } from './rig.ts';
import type { RunningSystem } from './systems/bench-system.ts';

const DATAGRAM_BYTES = 200;
/** Some find the path's MTU, or each other, only when there is traffic. */
const WARM_UP_SECONDS = 1;
const PING_INTERVAL_MS = 5;
/** Under load the processes' memory is looked at when the transfer has its full rate. */
const MEMORY_AFTER_SHARE = 0.6;

export const METRICS = [
  'tcpMbps',
  'tcpReverseMbps',
  'tcp4Mbps',
  'tcp4ReverseMbps',
  'tcpIp6Mbps',
  'tcpIp6ReverseMbps',
  'retransmits',
  'udp200Kpps',
  'udp200LossFreeKpps',
  'pingAvgUs',
  'pingP99Us',
  'pingLoadedAvgUs',
  'pingLoadedP99Us',
  'cpuSecondsPerGB',
  'rssKB',
  'privateKB',
  'rssIdleKB',
  'privateIdleKB',
  'startMs',
  'slowPathMbps',
  'slowPathCpuSecondsPerGB',
] as const;
export type Metric = (typeof METRICS)[number];
export type Figures = Record<Metric, number | null>;

export interface Measured {
  figures: Figures;
  problems: string[];
  congestionControl: string | null;
}

export interface WorkOptions {
  seconds: number;
  quick: boolean;
}

export class Measurement {
  readonly #rig: BenchRig;
  readonly #system: RunningSystem;
  readonly #options: WorkOptions;
  readonly #figures = Object.fromEntries(METRICS.map((metric) => [metric, null])) as Figures;
  readonly #problems: string[] = [];
  #congestionControl: string | null = null;

  /** Something has been answered through the system already. */
  constructor(rig: BenchRig, system: RunningSystem, options: WorkOptions) {
    this.#rig = rig;
    this.#system = system;
    this.#options = options;
  }

  async run(): Promise<Measured> {
    const { addressOfB, ip6OfB, startMs } = this.#system;
    this.#figures.startMs = startMs;
    await this.#atRest();
    await this.#oneStream();
    await this.#fourStreams();
    if (ip6OfB !== null) {
      await this.#rate('tcpIp6Mbps', { address: ip6OfB });
      await this.#rate('tcpIp6ReverseMbps', { address: ip6OfB, reverse: true });
    }
    await this.#datagrams(addressOfB);
    await this.#slowPath();
    return {
      figures: this.#figures,
      problems: this.#problems,
      congestionControl: this.#congestionControl,
    };
  }

  async #atRest(): Promise<void> {
    const { rssKB, privateDirtyKB } = await this.#memory();
    if (this.#hasProcesses) Object.assign(this.#figures, { rssIdleKB: rssKB, privateIdleKB: privateDirtyKB });
    // Where this fails, everything does: the figures would say nothing.
    await this.#transfer({ seconds: WARM_UP_SECONDS });
    const count = this.#options.quick ? 100 : 400;
    const { a, echo } = this.#rig;
    const { avgUs, p99Us } = await echo.measure(a.host, this.#system.addressOfB, count, PING_INTERVAL_MS);
    Object.assign(this.#figures, { pingAvgUs: avgUs, pingP99Us: p99Us });
  }

  async #oneStream(): Promise<void> {
    const cpuBefore = await cpuSecondsOf(this.#pids);
    const looking = this.#memoryUnderLoad();
    const result = await this.#rate('tcpMbps', {});
    const { rssKB, privateDirtyKB } = await looking;
    if (result !== null && this.#hasProcesses) {
      const cpuSeconds = (await cpuSecondsOf(this.#pids)) - cpuBefore;
      this.#figures.cpuSecondsPerGB = cpuSeconds / (result.bytes / 1e9);
      Object.assign(this.#figures, { rssKB, privateKB: privateDirtyKB });
    }
    this.#figures.retransmits = result?.retransmits ?? null;
    this.#congestionControl = result?.congestionControl ?? null;
    await this.#rate('tcpReverseMbps', { reverse: true });
  }

  async #fourStreams(): Promise<void> {
    const { a, echo } = this.#rig;
    // The ping ends before the transfer does.
    const count = Math.round((this.#options.seconds * 1000 * 0.8) / PING_INTERVAL_MS);
    const carrying = this.#rate('tcp4Mbps', { streams: 4 });
    await sleep(this.#options.seconds * 100);
    const { avgUs, p99Us } = await echo.measure(a.host, this.#system.addressOfB, count, PING_INTERVAL_MS);
    await carrying;
    Object.assign(this.#figures, { pingLoadedAvgUs: avgUs, pingLoadedP99Us: p99Us });
    await this.#rate('tcp4ReverseMbps', { streams: 4, reverse: true });
  }

  async #datagrams(address: string): Promise<void> {
    const send = async (bitsPerSecond: number, seconds: number): Promise<TransferResult> => {
      return this.#transfer({ address, datagramBytes: DATAGRAM_BYTES, bitsPerSecond, seconds });
    };
    await this.#attempt('udp200Kpps', async () => {
      const { bytes, seconds } = await send(0, this.#options.seconds);
      this.#figures.udp200Kpps = bytes / DATAGRAM_BYTES / seconds / 1000;
    });
    const { udp200Kpps } = this.#figures;
    if (this.#options.quick || udp200Kpps === null) return;
    await this.#attempt('udp200LossFreeKpps', async () => {
      this.#figures.udp200LossFreeKpps = await lossFreeRate(udp200Kpps, async (kpps) => {
        const { bytes, seconds, lostShare } = await send(kpps * 1000 * DATAGRAM_BYTES * 8, 1);
        return { deliveredKpps: bytes / DATAGRAM_BYTES / seconds / 1000, lostShare: lostShare ?? 1 };
      });
    });
  }

  async #slowPath(): Promise<void> {
    const { forceSlowPath } = this.#system;
    if (!forceSlowPath) return;
    await this.#attempt('slowPathMbps', async () => {
      const restore = await forceSlowPath();
      try {
        const cpuBefore = await cpuSecondsOf(this.#pids);
        const { mbps, bytes } = await this.#transfer({});
        const cpuSeconds = (await cpuSecondsOf(this.#pids)) - cpuBefore;
        Object.assign(this.#figures, {
          slowPathMbps: mbps,
          slowPathCpuSecondsPerGB: cpuSeconds / (bytes / 1e9),
        });
      } finally {
        await restore();
      }
    });
  }

  async #rate(metric: Metric, work: Partial<Transfer>): Promise<TransferResult | null> {
    return this.#attempt(metric, async () => {
      const result = await this.#transfer(work);
      this.#figures[metric] = result.mbps;
      return result;
    });
  }

  #transfer(work: Partial<Transfer>): Promise<TransferResult> {
    const { a, b, iperf3 } = this.#rig;
    const { seconds } = this.#options;
    return transfer(iperf3, { from: a.host, to: b.host, address: this.#system.addressOfB, seconds, ...work });
  }

  async #attempt<T>(metric: Metric, work: () => Promise<T>): Promise<T | null> {
    try {
      return await work();
    } catch (error) {
      this.#problems.push(`${metric}: ${sentenceOf(error)}`);
      return null;
    }
  }

  async #memoryUnderLoad(): Promise<MemoryUse> {
    await sleep(this.#options.seconds * 1000 * MEMORY_AFTER_SHARE);
    return this.#memory();
  }

  /** Of the end that has more. */
  async #memory(): Promise<MemoryUse> {
    const { a, b } = this.#system.processes;
    const [ofA, ofB] = await Promise.all([
      memoryOf(a.map(({ pid }) => pid)),
      memoryOf(b.map(({ pid }) => pid)),
    ]);
    return {
      rssKB: Math.max(ofA.rssKB, ofB.rssKB),
      privateDirtyKB: Math.max(ofA.privateDirtyKB, ofB.privateDirtyKB),
    };
  }

  get #pids(): number[] {
    const { a, b } = this.#system.processes;
    return [...a, ...b].map(({ pid }) => pid);
  }

  get #hasProcesses(): boolean {
    return this.#pids.length > 0;
  }
}
