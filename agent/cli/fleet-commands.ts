/** What `tincan fleet …` does: joins the provisioning part with disk, broker and terminal. */
import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { FleetDirectory } from '../../provisioning/fleet/fleet-directory.ts';
import { initFleet } from '../../provisioning/fleet/fleet-init.ts';
import { type FleetStatus, observeFleet, recordedStatus } from '../../provisioning/fleet/fleet-observer.ts';
import { Registrar, type RegistrarEvent } from '../../provisioning/fleet/registrar.ts';
import { revoke, revokedNodes } from '../../provisioning/fleet/revocation.ts';
import { openDiskFileStore } from '../adapters/disk-file-store.ts';
import { fileFault } from '../adapters/file-fault.ts';
import { HpkeSealer } from '../adapters/hpke-sealer.ts';
import { openMqttBus } from '../adapters/mqtt-message-bus.ts';
import { systemClock } from '../adapters/system-clock.ts';
import { openTextLog } from '../adapters/text-log.ts';
import { Refusal, UsageError } from '../errors.ts';
import type { MessageBus } from '../ports/message-bus.ts';
import { mosquittoAcl } from '../wire/topics.ts';
import type { CliIo } from './cli-io.ts';
import {
  deviceFacts,
  deviceJson,
  deviceTable,
  eventText,
  fleetFacts,
  rolloutText,
  statusTable,
} from './fleet-text.ts';

interface Printing {
  json?: boolean;
}

export interface InitOptions extends Printing {
  name: string;
  broker: string;
  network: string;
  passwordFile?: string;
  deviceUser?: string;
  devicePasswordFile?: string;
  ca?: string;
  iceServer?: string[];
}

export interface AddOptions extends Printing {
  ip?: string;
  tag?: string[];
  claim?: string;
  expires: number;
}

export interface ShowOptions extends Printing {
  acl?: boolean;
}

export async function runInit(dir: string, options: InitOptions, io: CliIo): Promise<void> {
  if ((options.deviceUser === undefined) !== (options.devicePasswordFile === undefined)) {
    throw new UsageError('--device-user and --device-password-file belong together: give both, or neither');
  }
  const deviceLogin =
    options.deviceUser === undefined || options.devicePasswordFile === undefined
      ? null
      : { username: options.deviceUser, password: passwordIn(options.devicePasswordFile) };
  const wanted = {
    name: options.name,
    brokerUrl: options.broker,
    password: options.passwordFile === undefined ? null : passwordIn(options.passwordFile),
    network: options.network,
    ca: options.ca === undefined ? null : textIn(options.ca),
    deviceLogin,
    iceServers: options.iceServer ?? [],
  };
  const fleet = await initFleet(openDiskFileStore(dir), wanted, systemClock.wallMs());
  if (options.json) return print(io, { fleet: fleet.name, fleetId: fleet.fleetId, network: fleet.network });
  io.out(`fleet ${fleet.name} (${fleet.fleetId}) is in ${dir}: network ${fleet.network.ip4}\n`);
  io.err(`Keep a copy of ${dir}: it holds the fleet's keys. Next: tincan fleet add ${dir} DEVICE\n`);
}

export async function runAdd(dir: string, name: string, options: AddOptions, io: CliIo): Promise<void> {
  const directory = await openFleet(dir);
  const path = options.claim ?? `${name}.claim.json`;
  const wanted = { name, ip4: options.ip ?? null, tags: options.tag ?? [], expiresDays: options.expires };
  directory.checkWanted(wanted);
  // The file before the device: a claim that cannot be written must not use up a name and an address.
  writeNew(path);
  try {
    const { device, claim } = await directory.add(wanted, systemClock.wallMs());
    writeFileSync(path, claim, { mode: 0o600 });
    if (options.json) return print(io, { device: device.name, ip4: device.ip4, claim: path });
    io.out(`${device.name} gets ${device.ip4}; its claim is ${path}\n`);
    io.err(`The claim holds a secret and works once, until ${day(device.claim.expires)}.\n`);
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  }
}

export async function runRevoke(dir: string, name: string, options: Printing, io: CliIo): Promise<void> {
  const directory = await openFleet(dir);
  const revoked = await revoke(directory, name, systemClock.wallMs());
  if (options.json) return print(io, { device: name, node: revoked?.nodeId ?? null });
  if (!revoked) {
    io.out(`${name} is no device of ${directory.fleet.name} any more, and its claim is worth nothing\n`);
    return;
  }
  io.out(
    `${name} (${revoked.nodeId}) is put out of ${directory.fleet.name}; its name and ${revoked.ip4} are free\n`,
  );
  io.err(`The others hear of it from "tincan fleet serve ${dir}" as soon as they are connected.\n`);
}

export async function runServe(dir: string, options: Printing, io: CliIo): Promise<void> {
  const directory = await openFleet(dir);
  const registrar = new Registrar({
    directory,
    bus: busOf(directory, 'registrar'),
    sealer: new HpkeSealer(),
    clock: systemClock,
    log: openTextLog({ write: io.err, format: options.json ? 'json' : 'text', level: 'error' }),
    onEvent: (event: RegistrarEvent) =>
      io.out(options.json ? `${JSON.stringify(event)}\n` : eventText(event)),
  });
  registrar.start();
  await aborted(io.signal);
  await registrar.stop();
}

export async function runList(dir: string, options: Printing, io: CliIo): Promise<void> {
  const rows = await recordedStatus(await openFleet(dir));
  if (options.json) return print(io, { devices: rows.map(deviceJson) });
  io.out(
    rows.length > 0 ? deviceTable(rows) : `no devices yet; add one with: tincan fleet add ${dir} DEVICE\n`,
  );
}

export async function runShow(
  dir: string,
  name: string | undefined,
  options: ShowOptions,
  io: CliIo,
): Promise<void> {
  const directory = await openFleet(dir);
  const { fleet } = directory;
  if (options.acl) {
    const registrar = fleet.broker.username ?? 'registrar';
    const device = fleet.deviceLogin?.username ?? 'device';
    io.out(mosquittoAcl(fleet.fleetId, registrar, device));
    return;
  }
  const rows = await recordedStatus(directory);
  if (name === undefined) {
    const { name: fleetName, fleetId, network, settings } = fleet;
    const revoked = await revokedNodes(directory.store);
    const facts = {
      fleet: fleetName,
      fleetId,
      broker: fleet.broker.url,
      network,
      settings,
      devices: rows.length,
      revoked,
    };
    return options.json ? print(io, facts) : io.out(fleetFacts(fleet, rows.length, revoked.length));
  }
  const row = rows.find(({ device }) => device.name === name);
  if (!row) {
    throw new Refusal(
      'no-such-device',
      `there is no device ${name} in ${dir}; see "tincan fleet list ${dir}"`,
    );
  }
  if (options.json) print(io, deviceJson(row));
  else io.out(deviceFacts(row));
}

export async function runStatus(dir: string, options: Printing, io: CliIo): Promise<void> {
  const directory = await openFleet(dir);
  const status: FleetStatus = await observeFleet(
    directory,
    busOf(directory, 'observer'),
    systemClock,
    io.signal,
  );
  const { problem, devices } = status;
  const { rollout } = directory;
  if (options.json) return print(io, { problem, rollout, devices: devices.map(deviceJson) });
  if (problem !== null)
    io.err(`The broker was not asked: ${problem}. What follows is from the registrar's notes.\n`);
  io.out(statusTable(devices));
  if (rollout) io.out(`\n${rolloutText(rollout)}\n`);
}

export async function openFleet(dir: string): Promise<FleetDirectory> {
  try {
    return await FleetDirectory.open(openDiskFileStore(dir));
  } catch (error) {
    if (!(error instanceof Refusal) || error.reason !== 'not-a-fleet') throw error;
    throw new UsageError(`${dir}: ${error.message}`, { cause: error });
  }
}

/** Several registrars and observers may be connected at once, so each has a client id of its own. */
function busOf({ fleet }: FleetDirectory, role: string): MessageBus {
  return openMqttBus({ ...fleet.broker, clientId: `tincan-${role}-${randomBytes(4).toString('hex')}` });
}

function passwordIn(path: string): string {
  const password = textIn(path).split(/\r?\n/, 1)[0] ?? '';
  if (password === '') throw new UsageError(`${path} holds no password in its first line: write one into it`);
  return password;
}

export function textIn(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (isCode(error, 'ENOENT')) throw new UsageError(`there is no file ${path}`, { cause: error });
    throw fileFault('read', path, error);
  }
}

function writeNew(path: string): void {
  try {
    writeFileSync(path, '', { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if (isCode(error, 'EEXIST')) {
      throw new UsageError(`${path} is there already; name another file with --claim`, { cause: error });
    }
    if (isCode(error, 'ENOENT')) {
      throw new UsageError(`the directory of ${path} does not exist; make it first`, { cause: error });
    }
    throw fileFault('write', path, error);
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

export function print(io: CliIo, value: unknown): void {
  io.out(`${JSON.stringify(value, null, 2)}\n`);
}

function day(unixMs: number): string {
  return new Date(unixMs).toISOString().slice(0, 10);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
