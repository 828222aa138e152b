import { describe, expect, it } from 'vitest';
import { findingsOf } from '../../../agent/cli/doctor-findings.ts';
import type { StatusReport } from '../../../agent/ports/agent-control.ts';
import type { Reading } from '../../../sensors/reading.ts';
import { linkReport, statusReport } from '../../fakes/fake-agent-control.ts';

const reading = (changes: Partial<Reading> = {}): Reading => ({
  ...{ id: 'uptime', name: 'uptime', kind: 'uptime', value: 7, unit: 's', time: null, ageMs: 10 },
  ...{ quality: 'ok', reason: null, seq: 3 },
  ...changes,
});
const { datapath } = statusReport();
const well = {
  datapath: datapath && { ...datapath, drops: {} },
  sensors: { count: 1, stale: 0, actuators: 0, followers: 0, listening: ['http://10.64.0.2/'] },
};

function saysOf(
  state: 'notice' | 'wrong',
  changes: Partial<StatusReport>,
  readings: Reading[] | null = [reading()],
) {
  const findings = findingsOf(statusReport({ ...well, ...changes }), readings);
  return findings.filter((finding) => finding.state === state).map(({ about, says }) => `${about}: ${says}`);
}

describe('the doctor', () => {
  it('finds nothing at a device that is well, and shows no password', () => {
    const findings = findingsOf(statusReport(well), [reading()]);
    expect(findings.every(({ state }) => state === 'ok')).toBe(true);
    expect(JSON.stringify(findings)).not.toContain('secret');
  });

  it.each<[string, Partial<StatusReport>, RegExp]>([
    ['no claim', { phase: 'unclaimed', datapath: null, config: null }, /^member: .*"tincan fleet add"/],
    ['no registrar', { phase: 'enrolling', datapath: null, config: null }, /^member: .*"tincan fleet serve"/],
    [
      'no broker',
      { broker: { url: 'mqtt://b', connected: false, problem: 'refused' } },
      /^broker: mqtt:\/\/b .*refused/,
    ],
    ['no TAP', { datapath: null }, /^network: .*no TAP device/],
    ['a problem of its own', { problem: 'the card is full' }, /^agent: the card is full/],
    [
      'a link that failed',
      { links: [linkReport({ state: 'failed', problem: 'no answer' })] },
      /^links: greenhouse: no answer/,
    ],
    [
      'a refused config',
      {
        config: { ...serial(7), refused: { serial: 8, reason: 'tap-failed', problem: 'the port is taken' } },
      },
      /^config: serial 7 is in force; 8 was refused: the port is taken/,
    ],
  ])('calls %s wrong', (_, changes, sentence) => {
    expect(saysOf('wrong', changes).join('\n')).toMatch(sentence);
  });

  it.each<[string, Partial<StatusReport>, RegExp]>([
    [
      'a clock that nobody set',
      { clock: { synchronised: false, floor: 0, freshAgeMs: 1 } },
      /^clock: not set/,
    ],
    [
      'an owner who is away',
      { clock: { synchronised: true, floor: 0, freshAgeMs: 8 * 86_400_000 } },
      /^clock: .*8 d/,
    ],
    ['a slow link', { links: [linkReport({ path: 'slow' })] }, /greenhouse is reached by the slow path: UDP/],
    [
      'a link over TURN',
      { links: [linkReport({ path: 'slow', candidates: { local: 'relay', remote: 'srflx' } })] },
      /greenhouse is reached through a TURN server/,
    ],
    ['frames that are lost', { datapath }, /^drops: 1,200 beside 1,235 frames that passed: oversize/],
    ['no sensors', { sensors: { ...well.sensors, listening: [] } }, /^sensors: none are served/],
  ])('takes notice of %s', (_, changes, sentence) => {
    expect(saysOf('notice', changes)).toEqual([expect.stringMatching(sentence)]);
    expect(saysOf('wrong', changes)).toEqual([]);
  });

  it('leaves a link alone that has just begun', () => {
    expect(saysOf('notice', { links: [linkReport({ path: 'slow', ageMs: 2_000 })] })).toEqual([]);
  });

  it('tells of sensors that are not well, with their reason, and of a service that is silent', () => {
    const ill = reading({ id: 'ds18b20-1', quality: 'stale', reason: 'it does not answer' });
    expect(saysOf('notice', {}, [reading(), ill])).toEqual([
      'sensors: ds18b20-1 is stale: it does not answer',
    ]);
    expect(saysOf('wrong', {}, null)).toEqual([expect.stringMatching(/does not answer on this machine/)]);
  });
});

function serial(number: number) {
  return { serial: number, state: 'committed', committedAt: null };
}
