import { describe, expect, it } from 'vitest';
import { hostCheck } from '../../../../sensors/services/host-check.ts';

const isOwn = hostCheck('Greenhouse', () => ['10.64.0.7', 'fd12:0::0:7']);

describe('host check', () => {
  it.each(['10.64.0.7', '[fd12::7]', 'greenhouse', 'GREENHOUSE', 'greenhouse.local', 'greenhouse.'])(
    'answers to %s',
    (host) => expect(isOwn(host)).toBe(true),
  );

  it.each([
    '10.64.0.8',
    '127.0.0.1',
    'localhost',
    '[fd12::8]',
    'evil.example',
    'greenhouse.evil.example',
    'local',
    '',
  ])('does not answer to %j', (host) => expect(isOwn(host)).toBe(false));
});
