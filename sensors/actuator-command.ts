/** What a client may ask of an actuator: `{"value": true}`, and for a moment only with `"for": seconds`. */
import * as v from 'valibot';
import type { Actuator, ActuatorRange, ActuatorValue } from './actuator.ts';

/** The bounds of `for`, in seconds. */
export const FOR_SECONDS = { least: 0.1, most: 86_400 } as const;

const SHOWN_CHARACTERS = 64;

const CommandSchema = v.strictObject({
  value: v.unknown(),
  for: v.exactOptional(v.pipe(v.number(), v.minValue(FOR_SECONDS.least), v.maxValue(FOR_SECONDS.most))),
});

export interface ActuatorCommand {
  value: ActuatorValue;
  /** Null: until somebody sets it again, or the controller is lost. */
  forMs: number | null;
}

/** The command, or what is wrong with the request in one sentence. */
export function readCommand(request: unknown, { id, range }: Actuator): ActuatorCommand | string {
  const parsed = v.safeParse(CommandSchema, request);
  if (!parsed.success) return problemOf(request, parsed.issues[0].path?.[0]?.key);
  const { value, for: seconds } = parsed.output;
  if (!isWithin(value, range)) return `${shown(value)} is no value of ${id}: give ${valuesOf(range)}`;
  return { value, forMs: seconds === undefined ? null : Math.round(seconds * 1000) };
}

function isWithin(value: unknown, range: ActuatorRange): value is ActuatorValue {
  if (range.kind === 'boolean') return typeof value === 'boolean';
  return Number.isSafeInteger(value) && Number(value) >= range.minimum && Number(value) <= range.maximum;
}

function valuesOf(range: ActuatorRange): string {
  return range.kind === 'boolean'
    ? 'true or false'
    : `a whole number from ${range.minimum} to ${range.maximum}`;
}

function problemOf(request: unknown, key: unknown): string {
  const isObject = typeof request === 'object' && request !== null && !Array.isArray(request);
  if (!isObject || !('value' in request)) {
    return 'the request says no value: send an object such as {"value": true}';
  }
  if (key === 'for' && 'for' in request) {
    return `for=${shown(request.for)} is no time: give seconds from ${FOR_SECONDS.least} to ${FOR_SECONDS.most}`;
  }
  return `${shown(key)} is nothing that an actuator knows: send "value", and "for" in seconds where wanted`;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'undefined';
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
}
