/** Transfers by iperf3: one server for each transfer on host B, the client on host A, and what its JSON says. */
import { setTimeout as sleep } from 'node:timers/promises';
import { EnvironmentFault } from '../../agent/errors.ts';
import type { LabHost } from '../lab/lab-host.ts';

export interface Transfer {
  from: LabHost;
  /** The host that has `address`. */
  to: LabHost;
  address: string;
  seconds: number;
  /** Parallel TCP streams. */
  streams?: number;
  /** From B to A in place of A to B. */
  reverse?: boolean;
  /** Datagrams of so many bytes of payload in place of TCP. */
  datagramBytes?: number;
  /** With datagrams: bits per second to aim at; 0, the default: as fast as the sender can. */
  bitsPerSecond?: number;
}

/** What the receiver has received, as it counted it. */
export interface TransferResult {
  bytes: number;
  seconds: number;
  mbps: number;
  /** TCP segments that the sender sent again; null for datagrams. */
  retransmits: number | null;
  /** Share (0 to 1) of datagrams that did not arrive; null for TCP. */
  lostShare: number | null;
  /** The sender's congestion control; null for datagrams. */
  congestionControl: string | null;
}

const CONNECT_MS = 5000;
/** iperf3 ends by itself soon after the transfer's time; a dead path must not hold up the benchmark. */
const GRACE_MS = 12_000;

/** Throws EnvironmentFault with iperf3's own reason. */
export async function transfer(iperf3: string, work: Transfer): Promise<TransferResult> {
  const server = work.to.spawn('the iperf3 server', [iperf3, '-s', '-1', '--forceflush']);
  try {
    await server.waitForLine('listening', CONNECT_MS, (line) => line.startsWith('Server listening'));
    const { stdout, signal } = await work.from.run([iperf3, ...clientArguments(work)], {
      timeoutMs: work.seconds * 1000 + GRACE_MS,
    });
    if (signal !== null) throw new EnvironmentFault('no-end', 'the transfer did not come to its end');
    return transferIn(stdout);
  } finally {
    server.kill('SIGTERM');
    await Promise.race([server.exited, sleep(1000)]);
    server.kill('SIGKILL');
  }
}

function clientArguments(work: Transfer): string[] {
  const { address, seconds, streams = 1, reverse = false, datagramBytes, bitsPerSecond = 0 } = work;
  const datagrams =
    datagramBytes === undefined ? [] : ['-u', '-l', String(datagramBytes), '-b', String(bitsPerSecond)];
  return [
    ...['-c', address, '-t', String(seconds), '-P', String(streams), '-J'],
    ...['--connect-timeout', String(CONNECT_MS)],
    ...(reverse ? ['-R'] : []),
    ...datagrams,
  ];
}

interface IperfSum {
  bytes?: unknown;
  seconds?: unknown;
  retransmits?: unknown;
  packets?: unknown;
  lost_percent?: unknown;
}

/** Reads the JSON of an iperf3 client. Throws EnvironmentFault where it has no result. */
export function transferIn(stdout: string): TransferResult {
  const { error, end = {} } = parsed(stdout);
  const received = end.sum_received;
  if (typeof error === 'string') throw new EnvironmentFault('iperf3', `iperf3: ${error}`);
  const { bytes, seconds, lost_percent: lostPercent } = received ?? {};
  if (typeof bytes !== 'number' || typeof seconds !== 'number' || seconds <= 0) {
    throw new EnvironmentFault('iperf3', 'iperf3 printed no result: version 3.7 or later is needed.');
  }
  const retransmits = end.sum_sent?.retransmits;
  const control = end.sender_tcp_congestion;
  return {
    bytes,
    seconds,
    mbps: (bytes * 8) / seconds / 1e6,
    retransmits: typeof retransmits === 'number' ? retransmits : null,
    lostShare: typeof lostPercent === 'number' ? lostPercent / 100 : null,
    congestionControl: typeof control === 'string' ? control : null,
  };
}

interface IperfReport {
  error?: unknown;
  end?: { sum_sent?: IperfSum; sum_received?: IperfSum; sender_tcp_congestion?: unknown };
}

function parsed(stdout: string): IperfReport {
  try {
    const value: unknown = JSON.parse(stdout);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    // What iperf3 prints when it is stopped is no JSON, and has no result either.
    return {};
  }
}
