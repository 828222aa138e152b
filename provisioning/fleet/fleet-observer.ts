/** Reads presence and acks of a fleet off the broker, for `tincan fleet status`; writes nothing. */
import { Refusal } from '../../agent/errors.ts';
import type { Clock } from '../../agent/ports/clock.ts';
import type { BusState, MessageBus } from '../../agent/ports/message-bus.ts';
import { topicsOf } from '../../agent/wire/topics.ts';
import { readAck, readPresence } from '../documents/device-reports.ts';
import type { FleetDirectory } from './fleet-directory.ts';
import type { Device, EnrolledNode, Seen } from './fleet-records.ts';

/** How long a broker may take to let us in, and how long retained messages may take after that. */
const CONNECT_MS = 5_000;
const COLLECT_MS = 700;

/** One row of the fleet's status. */
export interface DeviceStatus {
  device: Device;
  node: EnrolledNode | null;
  seen: Seen;
}

export interface FleetStatus {
  /** Null when the broker was asked; else why what follows is only what the registrar last wrote down. */
  problem: string | null;
  devices: DeviceStatus[];
}

/** Everything the directory knows of its devices. */
export async function recordedStatus(directory: FleetDirectory): Promise<DeviceStatus[]> {
  const rows: DeviceStatus[] = [];
  for (const name of await directory.deviceNames()) {
    const device = await directory.device(name);
    if (device) rows.push({ device, node: await directory.enrolled(name), seen: await directory.seen(name) });
  }
  return rows;
}

/** What devices say now, over what the directory recorded. Closes the bus. */
export async function observeFleet(
  directory: FleetDirectory,
  bus: MessageBus,
  clock: Clock,
  signal: AbortSignal,
): Promise<FleetStatus> {
  const devices = await recordedStatus(directory);
  const topics = topicsOf(directory.fleet.fleetId);
  for (const row of devices) {
    if (!row.node) continue;
    const { nodeId, publicKey } = row.node;
    bus.subscribe(topics.status(nodeId), (_, payload) =>
      ignoreStrangers(() => {
        const { online, agent, at } = readPresence(payload, publicKey, nodeId);
        row.seen.presence = { online, agent, at };
      }),
    );
    bus.subscribe(topics.ack(nodeId), (_, payload) =>
      ignoreStrangers(() => {
        const { serial, outcome, reason, problem, at } = readAck(payload, publicKey, nodeId);
        row.seen.ack = { serial, outcome, reason, problem, at };
      }),
    );
  }
  bus.connect();
  const state = await connected(bus, clock, signal);
  if (state.connected) await delay(clock, COLLECT_MS, signal);
  await bus.close();
  return { problem: state.connected ? null : (state.problem ?? 'the broker did not answer'), devices };
}

function ignoreStrangers(read: () => void): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
  }
}

async function connected(bus: MessageBus, clock: Clock, signal: AbortSignal): Promise<BusState> {
  if (!bus.state().connected) {
    await Promise.race([
      delay(clock, CONNECT_MS, signal),
      new Promise<void>((resolve) => bus.onState((state) => state.connected && resolve())),
    ]);
  }
  return bus.state();
}

function delay(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.after(signal.aborted ? 0 : ms, resolve);
    signal.addEventListener(
      'abort',
      () => {
        timer.cancel();
        resolve();
      },
      { once: true },
    );
  });
}
