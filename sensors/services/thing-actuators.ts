/**
 * Actuators in the Thing Description: a property with the bare value at `/actuators/<id>/value`, and an action that can
 * say for how long. A client that may not set them sees properties to read, and no actions.
 */
import type { ActuatorState } from '../actuator.ts';
import { FOR_SECONDS } from '../actuator-command.ts';

const MEDIA_TYPE = 'application/json';

/** The property of one actuator. */
export function actuatorProperty(state: ActuatorState, maySet: boolean) {
  const { id, title, problem } = state;
  const op = maySet ? ['readproperty', 'writeproperty'] : ['readproperty'];
  const observing = ['observeproperty', 'unobserveproperty'];
  return {
    title,
    ...(problem === null ? {} : { description: `Now not certain: ${problem}` }),
    ...valueSchema(state),
    readOnly: !maySet,
    observable: true,
    forms: [
      { href: `actuators/${id}/value`, op, contentType: MEDIA_TYPE },
      { href: `actuators/${id}/events`, op: observing, contentType: 'text/event-stream', subprotocol: 'sse' },
    ],
  };
}

/** `set-<id>` of each. */
export function setActions(states: readonly ActuatorState[]) {
  return Object.fromEntries(states.map((state) => [`set-${state.id}`, setAction(state)]));
}

function setAction(state: ActuatorState) {
  const seconds = { type: 'number', unit: 's', minimum: FOR_SECONDS.least, maximum: FOR_SECONDS.most };
  return {
    title: `Set ${state.title}`,
    description: `Goes into its safe state after "for" seconds, and when who set it cannot be reached for ${state.holdSeconds} s.`,
    input: {
      type: 'object',
      properties: { value: valueSchema(state), for: seconds },
      required: ['value'],
    },
    output: { type: 'object', properties: { id: { type: 'string' }, value: valueSchema(state) } },
    safe: false,
    idempotent: true,
    forms: [
      { href: `actuators/${state.id}`, op: 'invokeaction', 'htv:methodName': 'PUT', contentType: MEDIA_TYPE },
    ],
  };
}

function valueSchema({ kind, minimum, maximum }: ActuatorState) {
  return kind === 'boolean' ? { type: 'boolean' } : { type: 'integer', minimum, maximum };
}
