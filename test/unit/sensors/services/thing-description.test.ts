import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import formats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { thingDescription } from '../../../../sensors/services/thing-description.ts';
import { reading } from './readings.ts';
import { NODE, served, thermometer } from './served-sensors.ts';

const schema = JSON.parse(
  readFileSync(new URL('../../../golden/w3c/td-json-schema-validation.json', import.meta.url), 'utf8'),
) as object;
const ajv = new Ajv({ strict: false, allErrors: true });
formats.default(ajv);
const validate = ajv.compile(schema);

/** What the official schema has against it. */
function problems(thing: unknown) {
  validate(thing);
  return validate.errors ?? [];
}

const NO_ACTUATORS = { states: [], maySet: false };
const READINGS = [
  reading({ id: 'air', unit: 'Cel' }),
  reading({ id: 'os', value: 'Debian' }),
  reading({ id: 'never', value: null, unit: '%RH' as 'Cel', quality: 'error', reason: 'the chip is off' }),
  reading({ id: 'unknown', value: null, quality: 'error', reason: 'it has not been read yet' }),
];

describe('Thing Description', () => {
  it('is valid under the official JSON Schema', () => {
    expect(problems(thingDescription(NODE, READINGS, NO_ACTUATORS, 'http://10.64.0.7'))).toEqual([]);
    expect(problems(thingDescription(NODE, [], NO_ACTUATORS, 'http://[fd12::7]:8080'))).toEqual([]);
  });

  it('is checked by a schema that finds faults', () => {
    const { security, ...unprotected } = thingDescription(NODE, READINGS, NO_ACTUATORS, 'http://10.64.0.7');
    expect(security).toEqual(['nosec_sc']);
    expect(problems(unprotected)).not.toEqual([]);
    expect(problems({ ...unprotected, security, properties: { air: { forms: [] } } })).not.toEqual([]);
  });

  it('has a property for each sensor, to read over HTTP and to observe over SSE', () => {
    const { properties } = thingDescription(NODE, READINGS, NO_ACTUATORS, 'http://10.64.0.7');
    expect(properties['air']).toEqual({
      title: 'Air',
      type: 'number',
      unit: 'Cel',
      readOnly: true,
      observable: true,
      forms: [
        { href: 'sensors/air/value', op: ['readproperty'], contentType: 'application/json' },
        {
          href: 'sensors/air/events',
          op: ['observeproperty', 'unobserveproperty'],
          contentType: 'application/json',
          subprotocol: 'sse',
        },
      ],
    });
    expect(properties['os']).toMatchObject({ type: 'string' });
    expect(properties['never']).toMatchObject({
      type: 'number',
      description: expect.stringContaining('off'),
    });
    expect(properties['unknown']).not.toHaveProperty('type');
  });

  it('is found where the client is, and every form in it answers', async () => {
    const { app } = await served([thermometer()]);
    const response = await app.request('http://10.64.0.7:8080/.well-known/wot');
    expect(response.headers.get('content-type')).toBe('application/td+json');
    const thing = (await response.json()) as ReturnType<typeof thingDescription>;
    expect(thing.base).toBe('http://10.64.0.7:8080/');
    expect(problems(thing)).toEqual([]);
    const forms = [...Object.values(thing.properties), ...Object.values(thing.events)].flatMap(
      ({ forms: of }) => of,
    );
    expect(forms).toHaveLength(3);
    for (const form of forms) {
      const { href } = form;
      const subprotocol = 'subprotocol' in form;
      const answer = await app.request(new URL(href, thing.base).href);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('content-type')).toBe(subprotocol ? 'text/event-stream' : 'application/json');
      await answer.body?.cancel();
    }
  });
});
