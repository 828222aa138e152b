import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Lab } from '../lab/lab.ts';
import { defaultLabMode, type LabMode, labProblem } from '../lab/prerequisites.ts';
import { leftoversAfterCleanup, leftoversOf } from './leftovers.ts';

const SERVER = `
  require('node:http')
    .createServer((request, response) => response.end('hello ' + request.socket.remoteAddress))
    .listen(8080, '0.0.0.0', () => console.log('listening'));
`;
const CLIENT = `
  fetch(process.argv[1], { signal: AbortSignal.timeout(3000) })
    .then((response) => response.text()).then(console.log, () => process.exit(7));
`;

// Root can do both; an ordinary user has the second only.
const modes: LabMode[] = defaultLabMode() === 'root' ? ['root', 'user'] : ['user'];

describe.each(modes)('lab (%s)', (mode) => {
  let lab: Lab | undefined;

  beforeEach((context) => {
    const problem = labProblem(mode);
    if (problem !== null) context.skip(problem);
  });

  afterEach(async () => {
    await lab?.close();
    lab = undefined;
  });

  it('joins hosts by a LAN that can be unplugged', async () => {
    lab = await Lab.open({ mode });
    const server = await lab.addHost('server');
    const client = await lab.addHost('client');
    const listening = server.spawn('the server', [process.execPath, '-e', SERVER]);
    await listening.waitForLine('its first line', 5000, (line) => line === 'listening');
    const ask = () => client.run([process.execPath, '-e', CLIENT, `http://${server.address}:8080`]);

    expect(await ask()).toMatchObject({ code: 0, stdout: `hello ${client.address}` });
    await server.setLink('down');
    expect(await ask()).toMatchObject({ code: 7 });
    await server.setLink('up');
    expect(await ask()).toMatchObject({ code: 0, stdout: `hello ${client.address}` });
  });

  it('lets a host make a TAP device that nobody else sees', async () => {
    lab = await Lab.open({ mode });
    const one = await lab.addHost('one');
    const other = await lab.addHost('other');
    expect(await one.run(['ip', 'tuntap', 'add', 'tap7', 'mode', 'tap'])).toMatchObject({ code: 0 });
    expect((await one.run(['ip', 'link', 'show', 'tap7'])).code).toBe(0);
    expect((await other.run(['ip', 'link', 'show', 'tap7'])).code).not.toBe(0);
  });

  it('takes everything away, deaf processes too', async () => {
    lab = await Lab.open({ mode });
    const host = await lab.addHost('host');
    const { directory, name } = lab;
    writeFileSync(join(directory, 'file'), 'content');
    const deaf = host.spawn('a deaf process', [
      'sh',
      '-c',
      "trap '' TERM; echo ready; sleep 60; sleep 60",
      name,
    ]);
    await deaf.waitForLine('ready', 5000, (line) => line === 'ready');
    expect(leftoversOf(name).length).toBeGreaterThan(0);

    await lab.close();
    expect((await deaf.exited).signal).toBe('SIGKILL');
    expect(existsSync(directory)).toBe(false);
    expect(await leftoversAfterCleanup(name)).toEqual([]);
  });

  it('says which process failed to say what was waited for', async () => {
    lab = await Lab.open({ mode });
    const host = await lab.addHost('host');
    const ended = host.spawn('the broker', ['sh', '-c', 'echo no such file; exit 3']);
    await expect(ended.waitForLine('its address', 5000, () => false)).rejects.toThrow(
      'the broker ended (exit 3) without its address.',
    );
    expect(ended.lastLines(5)).toEqual(['no such file']);
    const absent = host.spawn('an absent program', ['no-such-program']);
    expect((await absent.exited).code).not.toBe(0);
  });
});
