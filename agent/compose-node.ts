/**
 * One node on the overlay, built from one config: datapath, signals, links, outbound frames, sensors. Everything that
 * `openNode` opens, `close` closes, in reverse; when a step fails, what was opened before is closed again.
 */

import type { DeviceIdentity } from '../provisioning/device/device-identity.ts';
import type { DeviceConfig } from '../provisioning/documents/device-config.ts';
import { DEFAULT_SERVICES } from '../provisioning/documents/sensor-settings.ts';
import type { SensorReport } from '../sensors/sensor-service.ts';
import { addressesWithin, LinuxHostNetwork } from './adapters/linux-host-network.ts';
import { aesIsQuicker, openNativeDatapath } from './adapters/native-datapath.ts';
import { NodeDatachannelFactory } from './adapters/node-datachannel-transport.ts';
import type { OnoffGpio } from './adapters/onoff-gpio.ts';
import { resolveHost } from './adapters/resolve-host.ts';
import { TapUpkeep } from './adapters/tap-upkeep.ts';
import { type ActuatorSurroundings, actuatorsOf } from './compose-actuators.ts';
import { publish } from './compose-publication.ts';
import { LinkedReaders } from './compose-readers.ts';
import { NodeSensors, type SensorSurroundings } from './compose-sensors.ts';
import { LinkManager } from './links/link-manager.ts';
import { Outbound } from './overlay/outbound.ts';
import type { DatapathReport } from './ports/agent-control.ts';
import type { Datapath, DatapathEvent } from './ports/datapath.ts';
import type { MemberDirectory, Membership } from './ports/member-directory.ts';
import type { MessageBus } from './ports/message-bus.ts';
import type { Sealer } from './ports/sealer.ts';
import { SealedSignals, type SignalMemory } from './signalling/sealed-signals.ts';
import { macOfNode } from './wire/node-address.ts';
import { topicsOf } from './wire/topics.ts';

/** What a node needs besides its config, and what outlives a change of config. */
export interface NodeSurroundings extends SensorSurroundings, ActuatorSurroundings {
  gpio: OnoffGpio;
  fleetId: string;
  identity: DeviceIdentity;
  signalMemory: SignalMemory;
  tapName: string;
  bus: MessageBus;
  sealer: Sealer;
  directory: MemberDirectory;
}

/** Of the datapath's events those that are about paths and not about frames. */
const LINK_EVENTS: ReadonlySet<DatapathEvent['kind']> = new Set(['probe-reply', 'heard', 'stun']);

export interface OverlayNode {
  readonly links: LinkManager;
  /** What does not work although the node runs, in one sentence. */
  problem(): string | null;
  datapathReport(): DatapathReport;
  /** Rises while the datapath's thread is alive. */
  datapathTurns(): number;
  sensorReport(): SensorReport;
  /** Who may do what from now on; links and sensors stay as they are. */
  setPolicy(policy: DeviceConfig['policy']): void;
  /** `next`: the config that it is built anew from; null: it stops, and may come back as it was. */
  close(next?: DeviceConfig | null): Promise<void>;
}

/** Takes back one thing that was opened. */
type Undo = (next: DeviceConfig | null) => void | Promise<void>;

/** Resolves once the TAP is up and the sensors are served. `onStopped`: the datapath ended by itself. */
export async function openNode(
  config: DeviceConfig,
  own: Membership,
  around: NodeSurroundings,
  onStopped: (problem: string) => void,
): Promise<OverlayNode> {
  const closing: Undo[] = [];
  const close = async (next: DeviceConfig | null = null): Promise<void> => {
    for (const undo of closing.splice(0).reverse()) await undo(next);
  };
  try {
    return { ...(await build(config, own, around, onStopped, closing)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function build(
  config: DeviceConfig,
  own: Membership,
  around: NodeSurroundings,
  onStopped: (problem: string) => void,
  closing: Undo[],
): Promise<Omit<OverlayNode, 'close'>> {
  const { clock, log, directory, bus, identity } = around;
  const isOverlayAddress = addressesWithin([config.network.ip4, config.network.ip6]);

  // First of all: an earlier run may have left something switched on.
  let { policy } = config;
  const policyNow = () => policy;
  const actuators = actuatorsOf(config, policyNow, around);
  closing.push(() => actuators.stop());
  await actuators.discover();

  let receive = (_event: DatapathEvent): void => undefined;
  const options = datapathOptions(config, own, around.tapName);
  const datapath = openNativeDatapath(options, (events) => {
    for (const event of events) receive(event);
  });
  closing.push(() => datapath.close());
  log.info('tap.up', { tap: datapath.tapName, ip4: own.ip4, ip6: datapath.ip6Configured ? own.ip6 : null });
  const upkeep = new TapUpkeep({ datapath, mac: options.mac, ip4: own.ip4, ip6: own.ip6, clock, log });
  closing.push(() => upkeep.close());

  const host = new LinuxHostNetwork({ tapName: datapath.tapName, isOverlayAddress, clock });
  closing.push(() => host.close());
  const transports = new NodeDatachannelFactory({ isOverlayAddress, log });
  closing.push(() => transports.close());

  const { nodeId, signingKey, sealingPrivateKey } = identity;
  const signals = new SealedSignals({
    bus,
    sealer: around.sealer,
    directory,
    topics: topicsOf(around.fleetId),
    own: { nodeId, signingKey, sealingPrivateKey, membership: own, memory: around.signalMemory },
    clock,
    log,
  });
  closing.push(() => signals.close());

  const { iceServers, idleCloseMs } = config.links;
  const links = new LinkManager({
    self: { nodeId },
    signals,
    transports,
    datapath,
    host,
    aesHardware: aesIsQuicker(),
    iceServers,
    resolve: resolveHost,
    mtuBytes: config.network.mtuBytes,
    idleCloseMs,
    isOverlayAddress,
    clock,
    log,
  });
  closing.push(() => links.stop());

  const { discovery } = config.sensors.services ?? DEFAULT_SERVICES;
  const outbound = new Outbound({ self: own, directory, links, datapath, answersNames: discovery, clock });
  links.onFrame((slot, frame) => datapath.deliverSoon(slot, frame));
  receive = (event) => {
    if (event.kind === 'stopped') onStopped(event.problem);
    else if (LINK_EVENTS.has(event.kind)) links.receiveDatapathEvent(event);
    else outbound.receive(event);
  };

  const sensors = new NodeSensors(
    config,
    own,
    actuators,
    { readers: new LinkedReaders({ own, directory, links }), policy: policyNow },
    around,
  );
  closing.push(() => sensors.stop());
  links.onUp(() => sensors.announce());
  if (config.sensors.enabled) {
    await sensors.serve(datapath.ip6Configured ? [own.ip4, own.ip6] : [own.ip4], config.sensors.httpPort);
  }
  const publication = publish(config, sensors.services, actuators, policyNow, around);
  if (publication) closing.push((next) => publication.stop(next));
  return {
    links,
    problem: () => upkeep.problem() ?? sensors.problem ?? publication?.problem() ?? null,
    datapathReport: () => datapathReport(datapath, outbound, config.network.mtuBytes),
    datapathTurns: () => datapath.stats().turns,
    sensorReport: () => sensors.report(),
    setPolicy: (next) => {
      policy = next;
      sensors.policyChanged();
    },
  };
}

function datapathOptions(config: DeviceConfig, own: Membership, tapName: string) {
  const prefixLength = (network: string) => Number(network.split('/')[1]);
  return {
    tapName,
    mac: macOfNode(own.nodeId),
    mtuBytes: config.network.mtuBytes,
    ip4: { address: own.ip4, prefixLength: prefixLength(config.network.ip4) },
    ip6: { address: own.ip6, prefixLength: prefixLength(config.network.ip6) },
    udpPort: config.links.udpPort,
  };
}

/** The drops of both halves in one list: a frame is lost once, wherever that was. */
function datapathReport(datapath: Datapath, outbound: Outbound, mtuBytes: number): DatapathReport {
  const { fromTap, toTap, drops } = datapath.stats();
  const all: Record<string, number> = { ...drops };
  for (const [reason, count] of Object.entries(outbound.drops.snapshot()))
    all[reason] = (all[reason] ?? 0) + count;
  return { tap: datapath.tapName, mtuBytes, udpPort: datapath.udpPort, fromTap, toTap, drops: all };
}
