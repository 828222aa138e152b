import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { PolicySchema } from '../../../provisioning/documents/device-config.ts';
import { DeclaredSensorsSchema } from '../../../provisioning/documents/sensor-settings.ts';
import { policyFor } from '../../../provisioning/fleet/device-policy.ts';
import { FleetSchema } from '../../../provisioning/fleet/fleet-records.ts';

const GREENHOUSE = { name: 'greenhouse', tags: ['sensor', 'pump'] };
const LAPTOP = { name: 'laptop', tags: ['operator'] };

describe('the policy of a device', () => {
  it('lets all members read and nobody command, where no rule says else', () => {
    expect(policyFor(GREENHOUSE, [])).toEqual({ read: 'members', command: [] });
    expect(v.parse(PolicySchema, {})).toEqual({ read: 'members', command: [] });
  });

  it('follows the rules for all, for its tags and for itself, the later one in place of the earlier', () => {
    const rules = [
      { command: ['operator'] },
      { tag: 'pump', command: ['plumber'], read: ['plumber', 'operator'] },
      { device: 'greenhouse', read: 'members' as const },
      { device: 'cellar', command: ['anybody'] },
    ];
    expect(policyFor(GREENHOUSE, rules)).toEqual({ read: 'members', command: ['plumber'] });
    expect(policyFor(LAPTOP, rules)).toEqual({ read: 'members', command: ['operator'] });
  });

  it('applies a rule that names a tag and a device where both are right', () => {
    const rules = [{ tag: 'operator', device: 'greenhouse', command: ['x'] }];
    expect(policyFor(GREENHOUSE, rules).command).toEqual([]);
    expect(policyFor({ name: 'greenhouse', tags: ['operator'] }, rules).command).toEqual(['x']);
  });

  it.each([
    { read: [] },
    { read: 'everybody' },
    { command: 'members' },
    { command: ['Not a tag'] },
    { commands: ['operator'] },
    { tag: 7 },
  ])('is not made of %j', (rule) => {
    const policy = FleetSchema.entries.settings.entries.policy;
    expect(v.safeParse(policy, [rule]).success).toBe(false);
  });
});

describe('declared actuators', () => {
  it('are off, active high, and held for a minute, where nothing else is said', () => {
    const { outputs, leds } = v.parse(DeclaredSensorsSchema, {
      outputs: [{ name: 'pump', line: 'pin 11' }],
      leds: [{ name: 'ACT' }],
    });
    expect(outputs).toEqual([
      { name: 'pump', line: 'pin 11', activeLow: false, safeState: false, holdSeconds: 60 },
    ]);
    expect(leds).toEqual([{ name: 'ACT', holdSeconds: 60 }]);
  });

  it.each([
    { outputs: [{ name: 'pump', line: 'GPIO28' }] },
    { outputs: [{ name: 'Pump', line: 'GPIO17' }] },
    { outputs: [{ name: 'pump', line: 'GPIO17', holdSeconds: 0 }] },
    {
      outputs: [
        { name: 'pump', line: 'GPIO17' },
        { name: 'pump', line: 'GPIO18' },
      ],
    },
    { leds: [{ name: '../../etc' }] },
    { leds: [{ name: 'ACT', safeState: -1 }] },
  ])('are not made of %j', (declared) => {
    expect(v.safeParse(DeclaredSensorsSchema, declared).success).toBe(false);
  });
});
