import { mkdtempSync, rmSync } from 'node:fs';
import { type ClientRequest, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type ControlServer, openControlServer } from '../../../agent/adapters/unix-control-server.ts';
import { type ControlApi, createControlApi } from '../../../agent/control/control-api.ts';
import { FakeAgentControl } from '../../fakes/fake-agent-control.ts';
import { RecordingLog } from '../../fakes/recording-log.ts';

let directory: string;
let control: FakeAgentControl;
let api: ControlApi;
let server: ControlServer;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'tincan-events-'));
  control = new FakeAgentControl();
  api = createControlApi(control, new RecordingLog());
  server = await openControlServer(join(directory, 'control.sock'), api.fetch);
});

afterEach(async () => {
  api.close();
  await server.close();
  rmSync(directory, { recursive: true });
});

/** Follows the stream; `messages` grows as it comes. */
class Follower {
  text = '';
  ended = false;
  readonly #outgoing: ClientRequest;

  constructor(lastEventId?: string) {
    const headers = lastEventId === undefined ? {} : { 'Last-Event-ID': lastEventId };
    const path = '/v1/events';
    this.#outgoing = request({ socketPath: server.path, path, agent: false, headers }, (incoming) => {
      expect(incoming.headers['content-type']).toMatch(/^text\/event-stream/);
      incoming.on('data', (chunk: Buffer) => {
        this.text += chunk.toString();
      });
      incoming.on('close', () => {
        this.ended = true;
      });
      incoming.on('error', () => undefined);
    });
    this.#outgoing.on('error', () => undefined);
    this.#outgoing.end();
  }

  messages(): { event: string; id: string | undefined; data: Record<string, unknown> }[] {
    const blocks = this.text.split('\n\n').slice(0, -1);
    return blocks
      .map((block) =>
        Object.fromEntries(block.split('\n').map((line) => line.split(/: (.*)/s, 2) as [string, string])),
      )
      .filter((fields) => fields['data'] !== undefined)
      .map((fields) => ({
        event: fields['event'] ?? '',
        id: fields['id'],
        data: JSON.parse(fields['data'] ?? '') as Record<string, unknown>,
      }));
  }

  names(): unknown[] {
    return this.messages().map(({ data }) => data['name']);
  }

  leave(): void {
    this.#outgoing.destroy();
  }
}

const until = (check: () => void) => vi.waitFor(check, { timeout: 5000, interval: 10 });

describe('GET /v1/events', () => {
  it('says at once that it is connected, then gives what happened and what happens', async () => {
    const early = new Follower();
    await until(() => expect(early.text).toBe('retry: 1000\n\n'));
    control.emit('link.up', { peer: 'greenhouse', rttMs: 3, ok: true, why: null });
    control.emit('config.committed');
    await until(() => expect(early.names()).toEqual(['link.up', 'config.committed']));
    expect(early.messages()[0]).toMatchObject({
      event: 'happening',
      data: { at: 1_790_000_000_000, fields: { peer: 'greenhouse', rttMs: 3, ok: true, why: null } },
    });
    const late = new Follower();
    await until(() => expect(late.names()).toEqual(['link.up', 'config.committed']));
    early.leave();
    late.leave();
  });

  it('resumes after Last-Event-ID without loss or repeat', async () => {
    for (const name of ['a', 'b', 'c']) control.emit(name);
    const first = new Follower();
    await until(() => expect(first.names()).toEqual(['a', 'b', 'c']));
    first.leave();
    control.emit('d');
    const again = new Follower(first.messages()[1]?.id);
    await until(() => expect(again.names()).toEqual(['c', 'd']));
    again.leave();
  });

  it.each(['', 'rubbish', '00000000-1', '-5', '9'.repeat(400)])(
    'gives all it keeps for the unknown id %j',
    async (id) => {
      control.emit('a');
      const follower = new Follower(id);
      await until(() => expect(follower.names()).toEqual(['a']));
      follower.leave();
    },
  );

  it('keeps the newest events only, and tells a follower how many it missed', async () => {
    control.emit('first');
    const follower = new Follower();
    await until(() => expect(follower.names()).toEqual(['first']));
    follower.leave();
    for (let number = 1; number <= 300; number++) control.emit('busy', { number });
    const again = new Follower(follower.messages()[0]?.id);
    await until(() => expect(again.messages()).toHaveLength(257));
    expect(again.messages()[0]).toMatchObject({ event: 'missed', data: { missed: 44 } });
    expect(again.messages()[1]?.data).toMatchObject({ fields: { number: 45 } });
    again.leave();
  });

  it('ends its streams and stops listening to the agent when it closes', async () => {
    const follower = new Follower();
    await until(() => expect(follower.text).not.toBe(''));
    expect(control.listenerCount()).toBe(1);
    api.close();
    await until(() => expect(follower.ended).toBe(true));
    expect(control.listenerCount()).toBe(0);
  });
});
