/** Who may do what with one device, out of the rules that the owner wrote for the fleet. */
import * as v from 'valibot';
import { PolicySchema } from '../documents/device-config.ts';
import type { Device, PolicyRule } from './fleet-records.ts';

/** Rules for the device, its tags or all; a later one takes the place of an earlier one, field by field. */
export function policyFor(
  { name, tags }: Pick<Device, 'name' | 'tags'>,
  rules: readonly PolicyRule[],
): v.InferOutput<typeof PolicySchema> {
  const policy = v.parse(PolicySchema, {});
  for (const { tag, device, read, command } of rules) {
    if ((tag !== undefined && !tags.includes(tag)) || (device !== undefined && device !== name)) continue;
    policy.read = read ?? policy.read;
    policy.command = command ?? policy.command;
  }
  return policy;
}
