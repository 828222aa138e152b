import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ScriptedActuator } from '../../../fakes/scripted-actuator.ts';
import { held, OPERATOR, SENSOR } from './held-actuators.ts';

const DIMMER = { kind: 'integer', minimum: 0, maximum: 255 } as const;

describe('a command', () => {
  it('sets the value, says who did, and tells listeners', async () => {
    const pump = new ScriptedActuator();
    const { actuators, put } = await held(pump);
    const told: unknown[] = [];
    actuators.onChange((state) => told.push(state.value));
    expect(await put('output-pump', { value: true })).toEqual({
      result: 'done',
      state: expect.objectContaining({
        id: 'output-pump',
        kind: 'boolean',
        value: true,
        safeState: false,
        holdSeconds: 10,
        time: '2026-11-01T00:00:00.000Z',
        ageMs: 0,
        cause: 'command',
        setBy: { node: `node-at-${OPERATOR}`, name: 'member-2' },
        problem: null,
      }),
    });
    expect(pump.level).toBe(true);
    expect(told).toEqual([true]);
  });

  it('may be repeated', async () => {
    const pump = new ScriptedActuator();
    const { put } = await held(pump);
    for (let n = 0; n < 3; n++) expect((await put('output-pump', { value: true })).result).toBe('done');
    expect(pump.level).toBe(true);
  });

  it.each([
    [undefined, 'the request says no value'],
    [null, 'the request says no value'],
    [true, 'the request says no value'],
    [[true], 'the request says no value'],
    [{}, 'the request says no value'],
    [{ value: 1 }, '1 is no value of output-pump: give true or false'],
    [{ value: 'on' }, '"on" is no value of output-pump'],
    [{ value: true, for: 0 }, 'for=0 is no time: give seconds from 0.1 to 86400'],
    [{ value: true, for: '5' }, 'for="5" is no time'],
    [{ value: true, for: 1e9 }, 'for=1000000000 is no time'],
    [{ value: true, until: 5 }, '"until" is nothing that an actuator knows'],
  ])('%j is refused with one sentence', async (request, sentence) => {
    const pump = new ScriptedActuator();
    const { put } = await held(pump);
    const outcome = await put('output-pump', request);
    expect(outcome).toMatchObject({ result: 'bad-request', sentence: expect.stringContaining(sentence) });
    expect(pump.done).toEqual(['open']);
  });

  it.each([-1, 256, 1.5, true, '7', null, Number.NaN])('%j is no brightness', async (value) => {
    const { put } = await held(new ScriptedActuator('led-act', 10_000, DIMMER));
    expect(await put('led-act', { value })).toMatchObject({
      result: 'bad-request',
      sentence: expect.stringContaining('give a whole number from 0 to 255'),
    });
  });

  it('is refused for an actuator that is not there, and for a member without the tag', async () => {
    const pump = new ScriptedActuator();
    const { put } = await held(pump);
    expect(await put('output-heater', { value: true })).toMatchObject({ result: 'no-such-actuator' });
    expect(await put('output-pump', { value: true }, SENSOR)).toMatchObject({
      result: 'not-allowed',
      sentence: expect.stringContaining('the tag operator'),
    });
    expect(await put('output-pump', { value: true }, null)).toMatchObject({ result: 'not-allowed' });
    expect(pump.done).toEqual(['open']);
  });

  it('never throws, and sets only what is in range', async () => {
    const led = new ScriptedActuator('led-act', 10_000, DIMMER);
    const { put, clock } = await held(led);
    await fc.assert(
      fc.asyncProperty(fc.anything(), async (request) => {
        await clock.advance(1_000);
        const { result } = await put('led-act', request);
        expect(['done', 'bad-request']).toContain(result);
        expect(Number(led.level)).toBeGreaterThanOrEqual(0);
        expect(Number(led.level)).toBeLessThanOrEqual(255);
      }),
    );
  });

  it('waits for its turn, and is refused where too many wait', async () => {
    const pump = new ScriptedActuator();
    const { put, clock } = await held(pump);
    pump.hangs = true;
    const commands = Array.from({ length: 12 }, () => put('output-pump', { value: true }));
    await clock.advance(60_000);
    const outcomes = await Promise.all(commands);
    expect(outcomes.every(({ result }) => result === 'failed')).toBe(true);
    expect(JSON.stringify(outcomes)).toContain('still works on earlier commands');
  });
});

describe('audit', () => {
  it('has a line for each attempt, with who, what, from, to and result', async () => {
    const { put, log } = await held(new ScriptedActuator());
    await put('output-pump', { value: true });
    await put('output-pump', { value: false }, SENSOR);
    await put('output-pump', { value: 'x'.repeat(500) });
    await put(`no-${'x'.repeat(500)}`, { value: true }, null);
    expect(log.of('actuator.set')).toEqual([
      {
        ...{ actuator: 'output-pump', by: `node-at-${OPERATOR}`, name: 'member-2', via: 'http' },
        ...{ from: false, to: 'true', result: 'done' },
      },
    ]);
    const refused = log.of('actuator.refused');
    expect(refused.map(({ result }) => result)).toEqual(['not-allowed', 'bad-request', 'not-allowed']);
    expect(refused[0]).toMatchObject({ name: 'member-3', from: true, to: 'false' });
    expect(refused[2]).toMatchObject({ by: null, name: null });
    expect(JSON.stringify(refused).length).toBeLessThan(2_000);
  });

  it('is bounded, however often somebody tries', async () => {
    const pump = new ScriptedActuator();
    const { put, log, clock } = await held(pump);
    for (let n = 0; n < 5_000; n++) {
      await put('output-pump', { value: true }, SENSOR);
      if (n % 100 === 0) await clock.advance(10);
    }
    expect(log.of('actuator.refused').length).toBeLessThan(30);
    expect(log.of('actuator.refused')).toContainEqual(
      expect.objectContaining({ result: 'too-often', name: 'member-3', refused: expect.any(Number) }),
    );
    expect((await put('output-pump', { value: true })).result).toBe('done');
    expect(await put('output-pump', { value: true }, SENSOR)).toMatchObject({
      result: 'too-often',
      retryAfterMs: expect.any(Number),
    });
    await clock.advance(1_000);
    expect((await put('output-pump', { value: true }, SENSOR)).result).toBe('not-allowed');
  });
});
