/** The owner's commands and a device with a real broker and a real disk: init, add, serve, enrol, restart, status. */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openDiskFileStore } from '../../../agent/adapters/disk-file-store.ts';
import { type EmbeddedBroker, startEmbeddedBroker } from '../../../agent/adapters/embedded-broker.ts';
import { HpkeSealer } from '../../../agent/adapters/hpke-sealer.ts';
import { openMqttBus } from '../../../agent/adapters/mqtt-message-bus.ts';
import { systemClock } from '../../../agent/adapters/system-clock.ts';
import { runCli } from '../../../agent/cli/run-cli.ts';
import { DeviceProvisioner } from '../../../provisioning/device/device-provisioner.ts';
import { RecordedIo } from '../../fakes/recorded-io.ts';
import { RecordingLog } from '../../fakes/recording-log.ts';

let dir: string;
let broker: EmbeddedBroker;
const stops: Array<() => Promise<unknown>> = [];

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'tincan-fleet-'));
  broker = await startEmbeddedBroker({ host: '127.0.0.1', port: 0, users: new Map([['home', 'sesame']]) });
});

afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
  await broker.close();
  rmSync(dir, { recursive: true });
});

async function tincan(...args: string[]): Promise<RecordedIo & { code: number }> {
  const io = new RecordedIo();
  const code = await runCli(args, io);
  return Object.assign(io, { code });
}

function serve(fleet: string): RecordedIo {
  const io = new RecordedIo();
  const ended = runCli(['fleet', 'serve', fleet, '--json'], io);
  stops.push(() => {
    io.stop.abort();
    return ended;
  });
  return io;
}

function device(state: string): DeviceProvisioner {
  const provisioner = new DeviceProvisioner({
    store: openDiskFileStore(join(dir, state)),
    openBus: openMqttBus,
    sealer: new HpkeSealer(),
    clock: systemClock,
    log: new RecordingLog(),
    buildTimeMs: Date.UTC(2026, 0, 1),
    hardware: { model: 'test board', arch: 'x64', agent: '0.1.0' },
  });
  stops.push(() => provisioner.stop());
  return provisioner;
}

async function until(what: string, condition: () => boolean): Promise<void> {
  for (const end = Date.now() + 10_000; Date.now() < end; ) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`it never happened: ${what}`);
}

it('takes a device from a claim to a committed config, and back from disk without the broker', async () => {
  const fleet = join(dir, 'home');
  const claim = join(dir, 'greenhouse.claim.json');
  const url = broker.url.replace('mqtt://', 'mqtt://home:sesame@');
  expect(await tincan('fleet', 'init', fleet, '--name', 'home', '--broker', url)).toMatchObject({ code: 0 });
  const served = serve(fleet);
  await until('ready', () => served.stdout.includes('"event":"ready"'));
  const added = await tincan(
    'fleet',
    'add',
    fleet,
    'greenhouse',
    '--tag',
    'sensor',
    '--claim',
    claim,
    '--json',
  );
  expect(JSON.parse(added.stdout)).toEqual({ device: 'greenhouse', ip4: '10.64.0.2', claim });
  expect(statSync(claim).mode & 0o777).toBe(0o600);

  const first = device('state');
  await first.start({ claim: readFileSync(claim) });
  await until('committed', () => first.state().config?.state === 'committed');
  expect(first.config()?.broker).toMatchObject({ username: 'home', password: 'sesame' });
  await until('ack', () => served.stdout.includes('"event":"ack"'));

  const status = await tincan('fleet', 'status', fleet, '--json');
  const [row] = JSON.parse(status.stdout).devices;
  expect(row).toMatchObject({
    name: 'greenhouse',
    presence: { online: true },
    ack: { outcome: 'committed' },
  });
  expect(status.stdout).not.toContain(
    JSON.parse(readFileSync(join(fleet, 'devices/greenhouse.json'), 'utf8')).claim.secret,
  );
  const found = await first.directory().byIp4('10.64.0.2');
  expect(found?.name).toBe('greenhouse');
  expect(await first.directory().byName('nobody')).toBeNull();
  await first.stop();
  await broker.close();

  const second = device('state');
  await second.start();
  expect(second.state()).toMatchObject({ phase: 'provisioned', config: { serial: 1, state: 'committed' } });
});

it('refuses what it cannot do in one sentence, with the right exit code', async () => {
  const fleet = join(dir, 'home');
  const made = ['fleet', 'init', fleet, '--name', 'home', '--broker', 'mqtt://127.0.0.1:1'];
  expect(await tincan(...made.with(6, 'http://x'))).toMatchObject({ code: 2 });
  expect(await tincan(...made.with(4, 'Home!'))).toMatchObject({ code: 2 });
  expect(await tincan(...made, '--network', '10.64.0.1/16')).toMatchObject({ code: 2 });
  expect(await tincan(...made)).toMatchObject({ code: 0 });
  const again = await tincan(...made);
  expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('holds a fleet already') });
  const claim = join(dir, 'a.json');
  const add = (name: string, ...more: string[]) =>
    tincan('fleet', 'add', fleet, name, '--claim', claim, ...more);
  expect(await add('Bad_Name')).toMatchObject({ code: 2 });
  expect(await add('one', '--ip', '10.65.0.1')).toMatchObject({ code: 2 });
  expect(await add('one', '--expires', 'soon')).toMatchObject({ code: 2 });
  expect(await add('one', '--ip', '10.64.0.9')).toMatchObject({ code: 0 });
  expect(await add('two')).toMatchObject({ code: 2, stderr: expect.stringContaining('is there already') });
  rmSync(claim);
  expect(await add('two', '--ip', '10.64.0.9')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('belongs to one'),
  });
  expect(await add('one')).toMatchObject({ code: 1, stderr: expect.stringContaining('already') });
  expect(await tincan('fleet', 'list', dir)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('no fleet'),
  });
  expect(await tincan('fleet', 'show', fleet, 'three')).toMatchObject({ code: 1 });
  expect((await tincan('fleet', 'list', fleet)).stdout).toMatch(/one\s+10\.64\.0\.9/);
  expect((await tincan('fleet', 'show', fleet, '--acl')).stdout).toContain('user registrar');
  for (const stderr of [again.stderr]) expect(stderr).not.toMatch(/\n\s+at /);
});
