import { describe, expect, it } from 'vitest';
import { MOST_FOLLOWERS, MOST_FOLLOWERS_OF_ONE } from '../../../../sensors/services/reading-events.ts';
import { ScriptedActuator } from '../../../fakes/scripted-actuator.ts';
import { type ServedSensors, served, thermometer } from './served-sensors.ts';

interface Sent {
  id: string | null;
  event: string | null;
  data: unknown;
}

/** What is in the stream now, as a browser's EventSource would tell it. */
class Follower {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #text = '';
  ended = false;

  constructor(response: Response) {
    if (!response.body) throw new Error('no stream');
    this.#reader = response.body.getReader();
    void this.#readOn();
  }

  async received(clock: ServedSensors['clock']): Promise<Sent[]> {
    await clock.settle();
    const blocks = this.#text.split('\n\n').filter((block) => block.includes('data: '));
    this.#text = '';
    return blocks.map((block) => {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? null;
      return { id: field('id'), event: field('event'), data: JSON.parse(field('data') ?? '') };
    });
  }

  leave(): Promise<void> {
    return this.#reader.cancel();
  }

  async #readOn(): Promise<void> {
    const decoder = new TextDecoder();
    for (;;) {
      const { done, value } = await this.#reader.read();
      if (done) break;
      this.#text += decoder.decode(value, { stream: true });
    }
    this.ended = true;
  }
}

async function follow(
  { app }: ServedSensors,
  lastEventId?: string,
  path = '/events',
  remoteAddress?: string,
): Promise<Follower> {
  const headers = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
  return new Follower(await app.request(path, { headers }, remoteAddress));
}

describe('event stream', () => {
  it('begins with every present reading, and goes on with new ones under their sequence number', async () => {
    const sensor = thermometer();
    const all = await served([sensor]);
    const follower = await follow(all);
    expect(await follower.received(all.clock)).toMatchObject([
      { id: 'run1.1', event: null, data: { id: 'greenhouse-air', value: 20, seq: 1, quality: 'ok' } },
    ]);
    sensor.answer = 21;
    await all.clock.advance(1_000);
    await all.clock.advance(100);
    expect(await follower.received(all.clock)).toMatchObject([{ id: 'run1.2', data: { value: 21, seq: 2 } }]);
  });

  it('resumes after Last-Event-ID with what was missed, in order', async () => {
    const sensor = thermometer();
    const all = await served([sensor, thermometer('other')]);
    for (const value of [21, 22, 23]) {
      sensor.answer = value;
      await all.clock.advance(1_000);
    }
    const missed = await (await follow(all, 'run1.4')).received(all.clock);
    expect(missed.map(({ id }) => id)).toEqual(['run1.5', 'run1.6', 'run1.7', 'run1.8']);
    expect(missed[0]).toMatchObject({ data: { id: 'greenhouse-air', value: 22, ageMs: 1_000 } });
    expect(await (await follow(all, 'run1.8')).received(all.clock)).toEqual([]);
  });

  it.each(['run1.99', 'run2.1', '.1', '1', 'nonsense', '', '-1', '1e1000', 'run1.1.1'])(
    'gives the present readings for the id %j',
    async (id) => {
      const all = await served([thermometer()]);
      expect(await (await follow(all, id)).received(all.clock)).toHaveLength(1);
    },
  );

  it('says ping every 15 s', async () => {
    const sensor = thermometer();
    const all = await served([sensor]);
    const follower = await follow(all);
    await all.clock.advance(45_000);
    const pings = (await follower.received(all.clock)).filter(({ event }) => event === 'ping');
    expect(pings.map(({ data }) => data)).toEqual([
      { time: '2026-11-01T00:00:15.000Z' },
      { time: '2026-11-01T00:00:30.000Z' },
      { time: '2026-11-01T00:00:45.000Z' },
    ]);
  });

  it('tells that a sensor fell silent, though nothing was read', async () => {
    const sensor = thermometer();
    const all = await served([sensor]);
    const follower = await follow(all);
    await follower.received(all.clock);
    sensor.answer = new Error('gone');
    await all.clock.advance(10_000);
    const told = (await follower.received(all.clock)).filter(({ event }) => event === null);
    expect(told.at(-1)).toMatchObject({ data: { value: 20, quality: 'stale', reason: 'gone' } });
  });

  it('gives the bare values of one sensor', async () => {
    const sensor = thermometer();
    const all = await served([sensor, thermometer('other')]);
    const follower = await follow(all, undefined, '/sensors/greenhouse-air/events');
    sensor.answer = 21;
    await all.clock.advance(1_000);
    await all.clock.advance(100);
    expect((await follower.received(all.clock)).map(({ data }) => data)).toEqual([20, 21]);
    expect((await all.app.request('/sensors/nope/events')).status).toBe(404);
  });

  it('costs nothing when nobody follows any more', async () => {
    const all = await served([thermometer()]);
    const waiting = all.clock.pending();
    const followers = [await follow(all), await follow(all)];
    expect(all.events.followers).toBe(2);
    for (const follower of followers) await follower.leave();
    expect(all.events.followers).toBe(0);
    expect(all.clock.pending()).toBe(waiting);
  });

  it('takes no more followers than its bound, and takes new ones when some left', async () => {
    const all = await served([thermometer()]);
    const followers = [];
    for (let count = 0; count < MOST_FOLLOWERS; count++) {
      followers.push(await follow(all, undefined, '/events', `10.64.1.${count}`));
    }
    const refused = await all.app.request('/events');
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toBe('30');
    expect(await refused.json()).toHaveProperty('error');
    await followers[0]?.leave();
    expect((await all.app.request('/events')).status).toBe(200);
  });

  it('leaves others a place, however often one client follows', async () => {
    const all = await served([thermometer()]);
    for (let count = 0; count < MOST_FOLLOWERS_OF_ONE; count++) await follow(all);
    expect((await all.app.request('/events')).status).toBe(503);
    expect((await all.app.request('/events', {}, '10.64.0.10')).status).toBe(200);
  });

  it('keeps no follower for HEAD', async () => {
    const all = await served([thermometer()]);
    const response = await all.app.request('/events', { method: 'HEAD' });
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    expect(all.events.followers).toBe(0);
  });

  it('cuts a client that does not read, and no other', async () => {
    const sensor = thermometer();
    const all = await served([sensor]);
    const reader = await follow(all);
    await all.app.request('/events', {}, '10.64.0.66');
    // A text is told when it changes.
    for (let second = 0; second < 30; second++) {
      sensor.answer = String(second % 10).repeat(20_000);
      await all.clock.advance(1_000);
    }
    expect(all.events.followers).toBe(1);
    expect(reader.ended).toBe(false);
    expect(all.cut).toEqual(['10.64.0.66']);
  });

  it('tells what actuators are, and each change, without a number to resume at', async () => {
    const all = await served([thermometer()], { actuators: [new ScriptedActuator()] });
    const { clock, actuators, readers } = all;
    const everything = await follow(all);
    const bare = await follow(all, undefined, '/actuators/output-pump/events');
    const first = await everything.received(clock);
    expect(first.filter(({ event }) => event === 'actuator')).toMatchObject([
      { id: null, data: { id: 'output-pump', value: false, cause: 'start' } },
    ]);
    expect((await bare.received(clock)).map(({ data }) => data)).toEqual([false]);
    const operator = readers.give('10.64.0.3', 'operator').at('10.64.0.3');
    await actuators.command('output-pump', { value: true }, operator, 'http');
    await clock.advance(50);
    const changes = (await everything.received(clock)).filter(({ event }) => event === 'actuator');
    expect(changes).toMatchObject([{ data: { value: true, setBy: { name: 'member-3' } } }]);
    expect((await bare.received(clock)).map(({ data }) => data)).toEqual([true]);
  });

  it('ends the streams of a client that lost its tag, and of no other', async () => {
    const all = await served([thermometer()], { policy: { read: ['dashboard'], command: [] } });
    const { clock, readers, events } = all;
    readers.give('10.64.0.3', 'dashboard').give('10.64.0.4', 'dashboard');
    const losing = await follow(all, undefined, '/events', '10.64.0.3');
    const keeping = await follow(all, undefined, '/events', '10.64.0.4');
    await clock.advance(20_000);
    expect(losing.ended).toBe(false);
    readers.give('10.64.0.3', 'operator');
    await clock.advance(5_000);
    expect([losing.ended, keeping.ended, events.followers]).toEqual([true, false, 1]);
  });

  it('ends streams at once when the policy changes, and of a member that was revoked', async () => {
    const all = await served([thermometer()]);
    const { clock, readers, rules, gate } = all;
    const revoked = await follow(all, undefined, '/events', '10.64.0.3');
    const follower = await follow(all, undefined, '/events', '10.64.0.4');
    readers.strangers.add('10.64.0.3');
    await clock.advance(5_000);
    expect([revoked.ended, follower.ended]).toEqual([true, false]);
    rules.now = { read: ['dashboard'], command: [] };
    await gate.recheck();
    await clock.settle();
    expect(follower.ended).toBe(true);
  });

  it('ends every stream when it is closed', async () => {
    const all = await served([thermometer()]);
    const follower = await follow(all);
    all.events.close();
    await all.clock.settle();
    expect(follower.ended).toBe(true);
    expect(all.events.followers).toBe(0);
  });
});
