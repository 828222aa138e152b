/**
 * The composition root of the device process: the only place that makes parts of all layers and joins them.
 *
 *   claim, state ->  provisioning (device-provisioner)  -> config -> compose-runner -> compose-node
 *   control API  ->  compose-control
 *
 * Above the line in `runAgent` everything is only read and checked; below it the machine is changed.
 */
import { readFile } from 'node:fs/promises';
import { arch } from 'node:os';
import { resolve } from 'node:path';
import { DeviceProvisioner } from '../provisioning/device/device-provisioner.ts';
import type { Admission } from '../provisioning/device/start-check.ts';
import { withWifiFile } from '../provisioning/device/wifi-file.ts';
import { LinuxBoardFacts } from './adapters/board-facts.ts';
import { openDiskFileStore } from './adapters/disk-file-store.ts';
import { HpkeSealer } from './adapters/hpke-sealer.ts';
import { NodeHttpListener } from './adapters/http-listener.ts';
import { isClockSynchronised } from './adapters/kernel-clock.ts';
import { openMqttBus } from './adapters/mqtt-message-bus.ts';
import { OnoffGpio } from './adapters/onoff-gpio.ts';
import { giveBackMemory, keepYoungGenerationSmall } from './adapters/process-memory.ts';
import { buildTimeMs, productVersion } from './adapters/product-version.ts';
import { LinuxSysfs } from './adapters/sysfs.ts';
import { systemClock } from './adapters/system-clock.ts';
import { systemdManager } from './adapters/systemd-notify.ts';
import { checkTunAccess } from './adapters/tun-access.ts';
import { openControlServer } from './adapters/unix-control-server.ts';
import { RunningAgent } from './compose-control.ts';
import { EventRecorder } from './compose-events.ts';
import { MemoryWatch } from './compose-memory.ts';
import { type NodeSurroundings, openNode } from './compose-node.ts';
import { NodeRunner } from './compose-runner.ts';
import { ServiceWatch } from './compose-watch.ts';
import { createControlApi } from './control/control-api.ts';
import { Refusal, sentenceOf, UsageError } from './errors.ts';
import type { Log } from './ports/log.ts';
import { SignalMemory } from './signalling/sealed-signals.ts';

export interface AgentOptions {
  stateDirectory: string;
  claimFile: string | null;
  socketPath: string;
  /** Validates everything and changes nothing. */
  check: boolean;
  tapName: string | null;
  log: Log;
}

/** What the process lends the agent: where `--check` answers, and the wish to stop. */
export interface AgentIo {
  out(text: string): void;
  signal: AbortSignal;
}

interface Assembled {
  provisioner: DeviceProvisioner;
  runner: NodeRunner;
}

/** The kernel numbers it, so that a second agent on the machine gets its own. */
const DEFAULT_TAP_NAME = 'tincan%d';

/** Runs until `io.signal` is aborted; resolves when nothing is left behind. Throws TincanErrors for what cannot start. */
export async function runAgent(options: AgentOptions, io: AgentIo): Promise<void> {
  const claim = options.claimFile === null ? {} : { claim: await readClaimFile(options.claimFile) };
  checkTunAccess();
  const events = new EventRecorder(options.log, systemClock);
  const { provisioner, runner } = await assemble(options, events);
  if (options.check) {
    const admission = await provisioner.check(claim);
    io.out(`${sentenceAbout(admission, options.stateDirectory)}\n`);
    return;
  }

  // ---- from here on the machine is changed ----
  keepYoungGenerationSmall();
  const { socketPath } = options;
  const control = new RunningAgent({
    version: productVersion,
    socketPath,
    provisioner,
    runner,
    events,
    clock: systemClock,
  });
  const api = createControlApi(control, events);
  const server = await openSockets(options, (request) => api.fetch(request));
  const refused = new Promise<never>((_, reject) => provisioner.onRefused(reject));
  const watch = serviceWatch(control, runner, events);
  const links = () => runner.node?.links.upSlots().length ?? 0;
  const memory = new MemoryWatch({ links, giveBack: giveBackMemory, clock: systemClock, log: events });
  try {
    events.info('agent.started', {
      version: productVersion,
      state: options.stateDirectory,
      socket: socketPath,
    });
    await Promise.race([provisioner.start(claim), refused]);
    watch?.start();
    await Promise.race([aborted(io.signal), refused]);
    events.info('agent.stopping');
  } finally {
    watch?.stop();
    memory.stop();
    await runner.stop();
    await provisioner.stop();
    api.close();
    await server.close();
  }
}

/** Null where nothing watches over the agent. */
function serviceWatch(control: RunningAgent, runner: NodeRunner, log: Log): ServiceWatch | null {
  const manager = systemdManager(process.env, log);
  if (!manager) return null;
  const status = () => {
    const { phase, problem, node } = control.status();
    return [phase, node.name, problem].filter((part) => part).join(': ');
  };
  return new ServiceWatch({ manager, node: () => runner.node, status, clock: systemClock, log });
}

/**
 * The control socket, and always one beside the state as well: whoever holds that one owns the state, so that two
 * agents never share an identity.
 */
async function openSockets(
  { stateDirectory, socketPath }: AgentOptions,
  answer: (request: Request) => Response | Promise<Response>,
): Promise<{ close(): Promise<void> }> {
  const ownPath = resolve(stateDirectory, 'control.sock');
  const own = await openControlServer(ownPath, answer);
  if (socketPath === ownPath) return own;
  try {
    const asked = await openControlServer(socketPath, answer);
    return { close: async () => void (await Promise.all([asked.close(), own.close()])) };
  } catch (error) {
    await own.close();
    throw error;
  }
}

async function assemble(options: AgentOptions, log: Log): Promise<Assembled> {
  const clock = systemClock;
  const sealer = new HpkeSealer();
  const sysfs = new LinuxSysfs();
  const facts = new LinuxBoardFacts(sysfs, log);
  const model = (await facts.model()) ?? 'unknown';
  const store = openDiskFileStore(options.stateDirectory);
  const gpio = new OnoffGpio();
  const provisioner = new DeviceProvisioner({
    store,
    openBus: openMqttBus,
    sealer,
    clock,
    log,
    buildTimeMs,
    isClockSynchronised,
    hardware: { model, arch: arch(), agent: productVersion },
  });
  let signalMemory: SignalMemory | undefined;
  const runner = new NodeRunner({
    bus: provisioner.bus(),
    clock,
    log,
    open: (config, own, onStopped) => {
      // Known from the provisioner's start on, which counts the boot.
      signalMemory ??= new SignalMemory(provisioner.bootCount());
      const around: NodeSurroundings = {
        fleetId: provisioner.state().fleetId ?? '',
        identity: provisioner.identity(),
        signalMemory,
        tapName: options.tapName ?? DEFAULT_TAP_NAME,
        bus: provisioner.bus(),
        directory: provisioner.directory(),
        httpListener: new NodeHttpListener(),
        clockSynchronised: () => provisioner.isWallClockRight(),
        ...{ sealer, sysfs, facts, gpio, store, clock, log },
      };
      return openNode(config, own, around, onStopped);
    },
  });
  provisioner.onConfig(withWifiFile(store, log, runner.apply));
  provisioner.onRevoked((isRevoked) => runner.dropLinks(isRevoked));
  return { provisioner, runner };
}

function sentenceAbout(admission: Admission, stateDirectory: string): string {
  if (admission.kind === 'unclaimed') throw new Refusal('unclaimed', admission.problem);
  if (admission.kind === 'claimed') {
    return `ok: will enrol as ${admission.claim.device} in fleet ${admission.claim.fleetName}`;
  }
  const { device, fleetName } = admission.enrolled;
  return `ok: ${stateDirectory} is ${device} of fleet ${fleetName}`;
}

async function readClaimFile(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new UsageError(
      `cannot read the claim ${path}: ${sentenceOf(error)}; give the file that "tincan fleet add" wrote`,
      {
        cause: error,
      },
    );
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
