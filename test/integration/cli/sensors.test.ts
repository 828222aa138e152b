/** `tincan sensors` and `tincan watch` against a real control socket and real sensor services on loopback. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ControlServer, openControlServer } from '../../../agent/adapters/unix-control-server.ts';
import { runCli } from '../../../agent/cli/run-cli.ts';
import { type ControlApi, createControlApi } from '../../../agent/control/control-api.ts';
import type { MemberReport } from '../../../agent/ports/agent-control.ts';
import { FakeAgentControl } from '../../fakes/fake-agent-control.ts';
import { RecordedIo } from '../../fakes/recorded-io.ts';
import { RecordingLog } from '../../fakes/recording-log.ts';
import { ScriptedSensor } from '../../fakes/scripted-sensor.ts';
import { type RealService, startService } from '../sensors/real-service.ts';

const ADDRESS = '127.64.3.1';
let directory: string;
let control: FakeAgentControl;
let api: ControlApi;
let server: ControlServer;
let io: RecordedIo;
let closing: Array<() => unknown>;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'tincan-cli-'));
  control = new FakeAgentControl();
  api = createControlApi(control, new RecordingLog());
  server = await openControlServer(join(directory, 'control.sock'), api.fetch);
  io = new RecordedIo();
  closing = [];
});

afterEach(async () => {
  io.stop.abort();
  for (const close of closing) await close();
  api.close();
  await server.close();
  rmSync(directory, { recursive: true });
});

const run = (...args: string[]) => runCli([...args, '--socket', server.path], io);

function member(name: string, sensors: string): MemberReport {
  return { id: `id-of-${name}`, name, ip4: ADDRESS, ip6: 'fd12::7', tags: [], self: false, sensors };
}

/** A node with one thermometer, `greenhouse-air`, which is a member of the fleet. */
async function thermometerNode(sensor: ScriptedSensor, port = 0): Promise<RealService> {
  const drivers = [{ kind: 'scripted', discover: async () => [sensor] }];
  const started = await startService(ADDRESS, { port, drivers, network: '127.0.0.0/8' });
  closing.push(() => started.service.stop());
  control.fleet = [member('greenhouse', `http://${ADDRESS}:${started.target.port}/`)];
  return started;
}

/** A server that answers whatever a stranger likes; the base of its URLs. */
async function stranger(answer: Parameters<typeof createServer>[1]): Promise<string> {
  const strange: Server = createServer(answer);
  await new Promise<void>((resolve) => strange.listen(0, ADDRESS, resolve));
  closing.push(() => {
    strange.closeAllConnections();
    strange.close();
  });
  const address = strange.address();
  return `http://${ADDRESS}:${typeof address === 'object' ? address?.port : 0}/`;
}

describe('tincan sensors', () => {
  it('lists readings with unit and age, and one line for a device that does not answer', async () => {
    await thermometerNode(new ScriptedSensor('greenhouse-air', 100));
    control.fleet.push(member('cellar', 'http://127.64.3.2:1/'));
    expect(await run('sensors')).toBe(0);
    expect(io.stdout).toMatch(
      /^device .*\ngreenhouse +greenhouse-air +20 °C +[\d.]+ s +ok\ncellar \(.*\): .+\n$/,
    );
    io.stdout = '';
    expect(await run('sensors', '--json')).toBe(0);
    expect(JSON.parse(io.stdout)).toMatchObject([
      { device: 'greenhouse', problem: null, sensors: [{ id: 'greenhouse-air', value: 20, unit: 'Cel' }] },
      { device: 'cellar', problem: expect.any(String), sensors: [] },
    ]);
  });

  it('asks the devices that are named, and refuses a name that is nobody’s', async () => {
    await thermometerNode(new ScriptedSensor('greenhouse-air', 100));
    expect(await run('sensors', 'greenhouse', ADDRESS, '--json')).toBe(0);
    expect(JSON.parse(io.stdout)).toHaveLength(1);
    expect(await run('sensors', 'nobody')).toBe(1);
    expect(io.stderr).toBe('tincan: no member of the fleet answers to nobody\n');
  });

  it.each([
    ['no answer', () => undefined, /no answer within 0.3 s/],
    ['no JSON', (_, response) => response.end('hello'), /no Tincan/],
    ['another shape', (_, response) => response.end('{"sensors":[{"id":7}]}'), /no Tincan of this version/],
    ['an error', (_, response) => response.writeHead(500).end(), /status 500/],
    ['a body that never ends', (_, response) => response.write('{"sensors":['), /no answer within 0.3 s/],
    ['too much', (_, response) => response.end(' '.repeat(3e6)), /larger than 2 MB/],
  ] as [string, Parameters<typeof createServer>[1], RegExp][])(
    'exits with 1 where the only device gives %s',
    async (_, answer, sentence) => {
      control.fleet = [member('odd', await stranger(answer))];
      expect(await run('sensors', '--timeout', '0.3')).toBe(1);
      expect(io.stdout).toMatch(sentence);
      expect(io.stdout.split('\n')).toHaveLength(2);
    },
  );

  it('shows no control character of a device', async () => {
    const id = 'x\u001b[2J\u202e\n';
    const reading = { id, name: id, kind: 'k', value: `\u001b]0;${id}`, unit: null, time: null };
    const body = JSON.stringify({
      sensors: [{ ...reading, ageMs: 0, quality: 'stale', reason: id, seq: 1 }],
    });
    control.fleet = [member('odd', await stranger((_, response) => response.end(body)))];
    await run('sensors');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    expect(io.stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
    expect(io.stdout.trimEnd().split('\n')).toHaveLength(2);
  });
});

describe('tincan watch', () => {
  const objects = () =>
    io.stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line));

  it('prints an object for each reading, and goes on after the device was started again', async () => {
    const sensor = new ScriptedSensor('greenhouse-air', 100);
    const first = await thermometerNode(sensor);
    const watching = run('watch', '--json');
    await expect.poll(() => objects().length, { timeout: 10_000 }).toBeGreaterThan(2);
    expect(objects()[0]).toMatchObject({ device: 'greenhouse', id: 'greenhouse-air', value: 20 });
    await first.service.stop();
    await expect.poll(() => objects().some(({ problem }) => problem), { timeout: 10_000 }).toBe(true);
    sensor.answer = 33;
    await thermometerNode(sensor, first.target.port);
    await expect.poll(() => objects().at(-1)?.value, { timeout: 10_000 }).toBe(33);
    io.stop.abort();
    expect(await watching).toBe(0);
  });

  it('shows a table in a terminal, and leaves the terminal as it was', async () => {
    io.isTerminal = true;
    await thermometerNode(new ScriptedSensor('greenhouse-air', 100));
    control.fleet.push(member('cellar', 'http://127.64.3.2:1/'));
    const watching = run('watch');
    await expect.poll(() => io.stdout, { timeout: 10_000 }).toMatch(/greenhouse +greenhouse-air +20 °C/);
    await expect.poll(() => io.stdout, { timeout: 10_000 }).toMatch(/cellar \(127\.64\.3\.1\): it serves no/);
    const listeners = process.listenerCount('exit');
    io.stop.abort();
    expect(await watching).toBe(0);
    expect(io.stdout.startsWith('\u001b[?1049h\u001b[?25l')).toBe(true);
    expect(io.stdout.endsWith('\u001b[?25h\u001b[?1049l')).toBe(true);
    expect(process.listenerCount('exit')).toBe(listeners - 1);
  });

  it('cuts a device whose event never ends, and says so', async () => {
    const endless = await stranger((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`data: ${'x'.repeat(200_000)}`);
    });
    control.fleet = [member('odd', endless)];
    const watching = run('watch');
    await expect.poll(() => io.stderr, { timeout: 10_000 }).toMatch(/odd: what it serves is no Tincan/);
    io.stop.abort();
    expect(await watching).toBe(0);
  });
});
