/**
 * `GET /.well-known/wot`: what this node offers, as a W3C Thing Description 1.1 that generic clients read. Each sensor is
 * a property whose value stands bare at `/sensors/<id>/value`, and is observed at `/sensors/<id>/events`; what can be set
 * is in thing-actuators.ts.
 */
import type { Reading } from '../reading.ts';
import type { ServedNode, ShownActuators } from './service-source.ts';
import { actuatorProperty, setActions } from './thing-actuators.ts';

/** TD 1.0 before 1.1 tells consumers of either that they can read it (TD 1.1 section 5.3.1.1); node-wot takes no other. */
const CONTEXTS = ['https://www.w3.org/2019/wot/td/v1', 'https://www.w3.org/2022/wot/td/v1.1'];
const MEDIA_TYPE = 'application/json';
/** Who is not on the overlay has no connection at all, so HTTP has nothing to ask for. */
const SECURITY = {
  nosec_sc: {
    scheme: 'nosec',
    description:
      'HTTP asks for nothing: the overlay network has authenticated both ends and encrypts between them, and nobody else is answered.',
  },
};

/** A form of one property or event. */
interface Form {
  href: string;
  op: string[];
  contentType: string;
  subprotocol?: 'sse';
}

/** `origin` is the address that the client used, so that what he finds is where he is. */
export function thingDescription(
  node: ServedNode,
  readings: readonly Reading[],
  actuators: ShownActuators,
  origin: string,
) {
  const { states, maySet } = actuators;
  return {
    '@context': [...CONTEXTS, { '@language': 'en' }],
    id: `urn:x-tincan:node:${node.id}`,
    title: node.name,
    description: `The sensors and actuators of ${node.name} on its owner's private network.`,
    base: `${origin}/`,
    securityDefinitions: SECURITY,
    security: ['nosec_sc'],
    properties: {
      ...Object.fromEntries(readings.map((reading) => [reading.id, property(reading)])),
      ...Object.fromEntries(states.map((state) => [state.id, actuatorProperty(state, maySet)])),
    },
    actions: maySet ? setActions(states) : {},
    events: { reading: readingEvent() },
  };
}

function property({ id, name, unit, value, reason }: Reading) {
  // A sensor without a unit that was never read may turn out to be either.
  const type = unit !== null || typeof value === 'number' ? 'number' : 'string';
  const known = value !== null || unit !== null;
  const forms: Form[] = [
    { href: `sensors/${id}/value`, op: ['readproperty'], contentType: MEDIA_TYPE },
    {
      href: `sensors/${id}/events`,
      op: ['observeproperty', 'unobserveproperty'],
      contentType: MEDIA_TYPE,
      subprotocol: 'sse',
    },
  ];
  return {
    title: name,
    ...(reason === null ? {} : { description: `Now not measured: ${reason}` }),
    ...(known ? { type } : {}),
    ...(unit === null ? {} : { unit }),
    readOnly: true,
    observable: true,
    forms,
  };
}

/** Everything that is measured, with time and quality. */
function readingEvent() {
  const forms: Form[] = [
    {
      href: 'events',
      op: ['subscribeevent', 'unsubscribeevent'],
      contentType: MEDIA_TYPE,
      subprotocol: 'sse',
    },
  ];
  const text = { type: 'string' };
  const data = {
    type: 'object',
    properties: {
      id: text,
      name: text,
      kind: text,
      value: { oneOf: [{ type: 'number' }, { type: 'string' }, { type: 'null' }] },
      unit: { oneOf: [text, { type: 'null' }] },
      time: { oneOf: [text, { type: 'null' }] },
      ageMs: { oneOf: [{ type: 'integer' }, { type: 'null' }] },
      quality: { type: 'string', enum: ['ok', 'stale', 'error'] },
      reason: { oneOf: [text, { type: 'null' }] },
      seq: { type: 'integer' },
    },
  };
  return { title: 'Reading', description: 'A sensor was read, or fell silent.', data, forms };
}
