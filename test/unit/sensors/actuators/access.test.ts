import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AccessPolicy, decideAccess } from '../../../../sensors/access.ts';
import { FakeReaders } from '../../../fakes/fake-readers.ts';

const readers = new FakeReaders().give('10.64.0.2', 'operator', 'laptop').give('10.64.0.3', 'sensor');
const OPERATOR = readers.at('10.64.0.2');
const SENSOR = readers.at('10.64.0.3');
const policy = (read: AccessPolicy['read'], ...command: string[]): AccessPolicy => ({ read, command });

function sentenceOf(...asked: Parameters<typeof decideAccess>): string {
  const decision = decideAccess(...asked);
  return decision.allowed ? 'allowed' : decision.sentence;
}

describe('access', () => {
  it('lets every member read and nobody command where the owner said nothing', () => {
    const untold = policy('members');
    expect(sentenceOf(untold, SENSOR, 'read')).toBe('allowed');
    expect(sentenceOf(untold, OPERATOR, 'command')).toMatch(/^nobody may set its actuators: .*"policy"/);
  });

  it('lets those read who have one of the tags', () => {
    expect(sentenceOf(policy(['operator']), OPERATOR, 'read')).toBe('allowed');
    expect(sentenceOf(policy(['operator', 'sensor']), SENSOR, 'read')).toBe('allowed');
    expect(sentenceOf(policy(['operator']), SENSOR, 'read')).toMatch(
      /^member-3 lacks the tag operator, without which nobody may read its sensors/,
    );
  });

  it('lets those command who have one of the tags, and names what the others lack', () => {
    expect(sentenceOf(policy('members', 'operator'), OPERATOR, 'command')).toBe('allowed');
    expect(sentenceOf(policy('members', 'operator', 'gardener'), SENSOR, 'command')).toContain(
      'one of the tags operator, gardener',
    );
  });

  it('does not take the right to read for one to command, nor the other way round', () => {
    expect(decideAccess(policy(['sensor'], 'operator'), SENSOR, 'command').allowed).toBe(false);
    expect(decideAccess(policy(['sensor'], 'operator'), OPERATOR, 'read').allowed).toBe(false);
  });

  it('refuses whom nobody knows, whatever the policy says', () => {
    expect(sentenceOf(policy('members', 'operator'), null, 'read')).toMatch(/no member/);
    expect(sentenceOf(policy('members', 'operator'), null, 'command')).toMatch(/no member/);
  });

  it('allows a command exactly where a tag is in common', () => {
    const tags = fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { maxLength: 4 });
    fc.assert(
      fc.property(tags, tags, (wanted, has) => {
        const reader = new FakeReaders().give('10.64.0.9', ...has).at('10.64.0.9');
        const { allowed } = decideAccess(policy('members', ...wanted), reader, 'command');
        expect(allowed).toBe(wanted.some((tag) => has.includes(tag)));
      }),
    );
  });
});
