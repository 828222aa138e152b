import { describe, expect, it } from 'vitest';
import { EnvironmentFault } from '../../../../agent/errors.ts';
import { ScriptedActuator } from '../../../fakes/scripted-actuator.ts';
import { held, OPERATOR, OTHER_OPERATOR } from './held-actuators.ts';

const ON = { value: true };

describe('safe state', () => {
  it('comes first after a start, whatever an earlier run left', async () => {
    const pump = new ScriptedActuator();
    expect(pump.level).toBe(true);
    const { actuators } = await held(pump);
    expect(pump.done).toEqual(['open']);
    expect(actuators.state('output-pump')).toMatchObject({ value: false, cause: 'start', setBy: null });
  });

  it('comes when who set it was away for its time to hold, and not before', async () => {
    const pump = new ScriptedActuator('output-pump', 10_000);
    const { clock, readers, actuators, put, log } = await held(pump);
    await put('output-pump', ON);
    await clock.advance(3_600_000);
    expect(pump.level).toBe(true);
    readers.away.add(OPERATOR);
    await clock.advance(10_000);
    expect(pump.level).toBe(true);
    await clock.advance(1_000);
    expect(pump.level).toBe(false);
    expect(actuators.state('output-pump')).toMatchObject({ cause: 'controller-lost', setBy: null });
    expect(log.of('actuator.safe')).toEqual([
      { actuator: 'output-pump', cause: 'controller-lost', from: true, to: false, result: 'done' },
    ]);
  });

  it('does not come when he is back in time, and the time begins anew', async () => {
    const pump = new ScriptedActuator('output-pump', 10_000);
    const { clock, readers, put } = await held(pump);
    await put('output-pump', ON);
    for (let outage = 0; outage < 5; outage++) {
      readers.away.add(OPERATOR);
      await clock.advance(9_000);
      readers.away.delete(OPERATOR);
      await clock.advance(2_000);
    }
    expect(pump.level).toBe(true);
  });

  it('is a matter of who set it last', async () => {
    const pump = new ScriptedActuator('output-pump', 10_000);
    const { clock, readers, actuators, put } = await held(pump);
    await put('output-pump', ON, OPERATOR);
    readers.away.add(OPERATOR);
    await clock.advance(8_000);
    await put('output-pump', ON, OTHER_OPERATOR);
    await clock.advance(60_000);
    expect(pump.level).toBe(true);
    expect(actuators.state('output-pump')?.setBy?.name).toBe('member-4');
  });

  it('comes after the time of a momentary command, to the millisecond', async () => {
    const pump = new ScriptedActuator();
    const { clock, actuators, put } = await held(pump);
    await put('output-pump', { value: true, for: 2.5 });
    expect(actuators.state('output-pump')?.remainingMs).toBe(2_500);
    await clock.advance(2_499);
    expect(pump.level).toBe(true);
    await clock.advance(1);
    expect(pump.level).toBe(false);
    expect(actuators.state('output-pump')).toMatchObject({ cause: 'time-over', remainingMs: null });
  });

  it('does not come by the time of an earlier command', async () => {
    const pump = new ScriptedActuator();
    const { clock, actuators, put } = await held(pump);
    await put('output-pump', { value: true, for: 2 });
    await clock.advance(1_000);
    await put('output-pump', ON);
    await clock.advance(60_000);
    expect(pump.level).toBe(true);
    expect(actuators.state('output-pump')?.remainingMs).toBeNull();
  });

  it('comes when the node stops, even after a command that is still on its way', async () => {
    const pump = new ScriptedActuator();
    const { actuators, put, clock } = await held(pump);
    const commanded = put('output-pump', ON);
    await Promise.all([commanded, actuators.stop()]);
    expect(pump.level).toBe(false);
    expect(pump.done.at(-1)).toBe('release');
    expect(await put('output-pump', ON)).toMatchObject({ result: 'no-such-actuator' });
    expect(clock.pending()).toBe(0);
  });

  it('is tried again each second until the hardware takes it, with one line when it fails and one when it is there', async () => {
    const pump = new ScriptedActuator('output-pump', 10_000);
    const { clock, readers, actuators, put, log } = await held(pump);
    await put('output-pump', ON);
    readers.away.add(OPERATOR);
    pump.problem = new EnvironmentFault('write-failed', 'the expander does not answer');
    await clock.advance(30_000);
    expect(pump.level).toBe(true);
    expect(actuators.state('output-pump')?.problem).toBe('the expander does not answer');
    expect(log.of('actuator.not-safe')).toHaveLength(1);
    pump.problem = null;
    await clock.advance(1_000);
    expect(pump.level).toBe(false);
    expect(actuators.state('output-pump')).toMatchObject({ value: false, problem: null });
    expect(log.of('actuator.safe')).toHaveLength(1);
  });

  it('follows a command that failed too, because the hardware may have taken it', async () => {
    const pump = new ScriptedActuator('output-pump', 10_000);
    const { clock, readers, put } = await held(pump);
    pump.problem = new Error('EIO');
    expect(await put('output-pump', ON)).toMatchObject({ result: 'failed' });
    pump.problem = null;
    readers.away.add(OPERATOR);
    await clock.advance(12_000);
    expect(pump.done.at(-1)).toBe('safe');
  });

  it('is reached by one actuator while another one hangs', async () => {
    const pump = new ScriptedActuator('output-pump', 10_000);
    const valve = new ScriptedActuator('output-valve', 10_000);
    const { clock, readers, put, actuators } = await held(pump, valve);
    await put('output-pump', ON);
    await put('output-valve', ON);
    valve.hangs = true;
    readers.away.add(OPERATOR);
    await clock.advance(14_000);
    expect(pump.level).toBe(false);
    expect(actuators.state('output-valve')?.problem).toContain('gave no answer within 2000 ms');
    const stopped = actuators.stop();
    await clock.advance(10_000);
    await stopped;
    expect(clock.pending()).toBe(0);
  });

  it('is tried at the next look where the first one failed, and before a command', async () => {
    const pump = new ScriptedActuator();
    pump.problem = new EnvironmentFault('no-gpio', 'no GPIO chip here');
    const { actuators, put } = await held(pump);
    expect(actuators.state('output-pump')).toMatchObject({ value: null, problem: 'no GPIO chip here' });
    expect(await put('output-pump', ON)).toMatchObject({ result: 'failed' });
    expect(pump.done).toEqual(['open', 'open']);
    pump.problem = null;
    await actuators.discover();
    expect(pump.level).toBe(false);
    expect(actuators.state('output-pump')).toMatchObject({ value: false, problem: null });
  });

  it('costs nothing while nothing is set', async () => {
    const { clock, readers, put } = await held(new ScriptedActuator('output-pump', 10_000));
    await clock.advance(2_000);
    expect(clock.pending()).toBe(0);
    await put('output-pump', ON);
    expect(clock.pending()).toBe(1);
    readers.away.add(OPERATOR);
    await clock.advance(15_000);
    expect(clock.pending()).toBe(0);
  });
});
