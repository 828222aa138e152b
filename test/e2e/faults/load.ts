/** The load of load.mjs between two members, and what a fault has cost it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { LabProcess } from '../../lab/lab-process.ts';
import { repositoryPath } from '../../lab/repository.ts';
import type { Member } from './member.ts';

const SCRIPT = repositoryPath('test/e2e/faults/load.mjs');
const START_MS = 15_000;
/** A ping that has not come back by then is lost. */
const PING_LIMIT_MS = 3_000;

type Line =
  | { ready: true }
  | { alive: { bytes: number; lastMs: number } }
  | { gap: { fromMs: number; untilMs: number } }
  | { ping: { sequence: number; sentMs: number } }
  | { pong: { sequence: number; sentMs: number; rttMs: number } }
  | { over: string };

/** One end of the TCP session: what it received. */
class End {
  readonly process: LabProcess;
  readonly gaps: { fromMs: number; untilMs: number }[] = [];
  readonly pings: { sequence: number; sentMs: number }[] = [];
  readonly pongs: { sequence: number; sentMs: number; rttMs: number }[] = [];
  bytes = 0;
  lastMs = 0;
  over: string | null = null;

  constructor(member: Member, ...args: string[]) {
    this.process = member.host.spawn(`load on ${member.name}`, [process.execPath, SCRIPT, ...args], {
      onLine: (line, from) => from === 'stdout' && this.#take(JSON.parse(line) as Line),
    });
  }

  #take(line: Line): void {
    if ('alive' in line) Object.assign(this, line.alive);
    else if ('gap' in line) this.gaps.push(line.gap);
    else if ('ping' in line) this.pings.push(line.ping);
    else if ('pong' in line) this.pongs.push(line.pong);
    else if ('over' in line) this.over = line.over;
  }

  /** Null while nothing has come since; else how long after that moment the first thing came. */
  resumedAfterMs(sinceMs: number): number | null {
    if (this.lastMs <= sinceMs) return null;
    const covering = this.gaps.find(({ fromMs, untilMs }) => fromMs <= sinceMs && untilMs > sinceMs);
    return covering ? covering.untilMs - sinceMs : 0;
  }
}

/** Milliseconds from the moment that was asked for to the first sign of life of each kind. */
export interface Resumption {
  tcpMs: number;
  tcpReverseMs: number;
  pingMs: number;
}

export interface LoadReport {
  lostPings: number;
  pings: number;
  longestGapMs: number;
  mbytes: number;
}

export class Load {
  readonly #server: End;
  readonly #driver: End;

  /** Resolves when TCP flows in both directions and pings come back. */
  static async start(from: Member, to: Member, mbitPerS: number): Promise<Load> {
    const address = (await to.untilUp()).node.ip4 ?? '';
    const server = new End(to, 'serve', address);
    await server.process.waitForLine('ready', START_MS, (line) => line.includes('ready'));
    const load = new Load(server, new End(from, 'drive', address, String(mbitPerS)));
    await load.resumed(Date.now(), START_MS);
    return load;
  }

  private constructor(server: End, driver: End) {
    this.#server = server;
    this.#driver = driver;
  }

  /** Waits until everything flows again after that moment. Throws when it does not in time, or the session has ended. */
  async resumed(sinceMs: number, timeoutMs: number): Promise<Resumption> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      this.#mustLive();
      const tcpMs = this.#server.resumedAfterMs(sinceMs);
      const tcpReverseMs = this.#driver.resumedAfterMs(sinceMs);
      const pong = this.#driver.pongs.find(({ sentMs, rttMs }) => sentMs + rttMs > sinceMs);
      const pingMs = pong ? Math.max(0, pong.sentMs + pong.rttMs - sinceMs) : null;
      if (tcpMs !== null && tcpReverseMs !== null && pingMs !== null) return { tcpMs, tcpReverseMs, pingMs };
      if (Date.now() > deadline) {
        const seen = { tcpMs, tcpReverseMs, pingMs };
        throw new Error(`not all flows again ${timeoutMs} ms later: ${JSON.stringify(seen)}`);
      }
      await sleep(20);
    }
  }

  /** What was lost from one moment to another. Waits until the pings of the time have had theirs. */
  async report(fromMs: number, untilMs: number): Promise<LoadReport> {
    await sleep(Math.max(0, untilMs + PING_LIMIT_MS - Date.now()));
    this.#mustLive();
    const sent = this.#driver.pings.filter(({ sentMs }) => sentMs >= fromMs && sentMs <= untilMs);
    const answered = new Set(this.#driver.pongs.map(({ sequence }) => sequence));
    const gaps = [this.#server, this.#driver].flatMap((end) =>
      end.gaps
        .filter((gap) => gap.untilMs >= fromMs && gap.fromMs <= untilMs)
        .map((gap) => gap.untilMs - gap.fromMs),
    );
    return {
      pings: sent.length,
      lostPings: sent.filter(({ sequence }) => !answered.has(sequence)).length,
      longestGapMs: Math.max(0, ...gaps),
      mbytes: Math.round((this.#server.bytes + this.#driver.bytes) / 1e6),
    };
  }

  /** What TCP has carried up to now, in both directions. */
  bytes(): number {
    return this.#server.bytes + this.#driver.bytes;
  }

  async stop(): Promise<void> {
    for (const { process } of [this.#driver, this.#server]) {
      process.kill('SIGKILL');
      await process.exited;
    }
  }

  #mustLive(): void {
    const over = this.#driver.over ?? this.#server.over;
    if (over !== null) throw new Error(`the TCP session is over: ${over}`);
  }
}
