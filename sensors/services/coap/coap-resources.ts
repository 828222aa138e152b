/** What a node offers by CoAP, and how each of it is answered; no message is known here. */
import type { ActuatorPanel, CommandOutcome } from '../../actuator.ts';
import type { Admission, ReaderGate } from '../../reader-gate.ts';
import { SENML_TYPES, senmlCbor, senmlPack } from '../senml.ts';
import { type ServiceSource, shown } from '../service-source.ts';
import { type CoapAnswer, type CoapRequest, FORMATS, type Format } from './coap-message.ts';
import { type CoreLink, linkFormat } from './link-format.ts';

export interface CoapResourcesOptions extends ServiceSource {
  actuators: ActuatorPanel;
  gate: ReaderGate;
}

/** How long an answer counts as fresh (RFC 7252 section 5.6.1); who observes is told of the value in less. */
export const MAX_AGE_S = 60;
/** A sensor that was not read yet is tried again within seconds. */
const RETRY_AFTER_S = 5;
/** In the order of preference where a client does not say. */
const READING_FORMATS: readonly Format[] = [FORMATS.senmlJson, FORMATS.senmlCbor, FORMATS.json, FORMATS.text];
const LIST_FORMATS: readonly Format[] = [FORMATS.senmlJson, FORMATS.senmlCbor];
const SENSOR_PATH = /^\/sensors\/([^/]+)$/;
const ACTUATOR_PATH = /^\/actuators\/([^/]+)$/;
const CODES = {
  'bad-request': '4.00',
  'not-allowed': '4.03',
  'no-such-actuator': '4.04',
  /** Too Many Requests (RFC 8516). */
  'too-often': '4.29',
  failed: '5.03',
} as const;

export class CoapResources {
  readonly #options: CoapResourcesOptions;

  constructor(options: CoapResourcesOptions) {
    this.#options = options;
  }

  /** `address` is the client's. */
  async answer(request: CoapRequest, address: string): Promise<CoapAnswer> {
    const { method, path } = request;
    const actuator = ACTUATOR_PATH.exec(path)?.[1];
    if (method === 'PUT' && actuator !== undefined) return this.#command(actuator, request, address);
    if (method !== 'GET') return { code: '4.05', payload: 'sensors can only be read: ask with GET' };
    const admission = await this.#options.gate.admit(address);
    if (admission.result !== 'admitted') return notAdmitted(admission);
    if (path === '/.well-known/core') return this.#list(request);
    if (path === '/sensors') return this.#all(request);
    return this.state(path, request.accept);
  }

  /** Which sensor or actuator is at a path; null: neither. */
  observedAt(path: string): string | null {
    return (SENSOR_PATH.exec(path) ?? ACTUATOR_PATH.exec(path))?.[1] ?? null;
  }

  /** What one sensor or actuator is, as it is answered and as it is told to whoever observes it. */
  state(path: string, accept: number | null): CoapAnswer {
    const actuator = ACTUATOR_PATH.exec(path)?.[1];
    if (actuator !== undefined) return this.#actuator(actuator, accept);
    const sensor = SENSOR_PATH.exec(path)?.[1];
    return sensor === undefined ? nothingAt(path) : this.#reading(sensor, accept);
  }

  #reading(id: string, accept: number | null): CoapAnswer {
    const { source, node, wallMs } = this.#options;
    const reading = source.reading(id);
    if (!reading)
      return { code: '4.04', payload: `there is no sensor ${shown(id)}: /sensors has those there are` };
    const format = chosen(READING_FORMATS, accept);
    if (format === null) return notAcceptable(READING_FORMATS);
    if (reading.value === null) {
      const payload = `sensor ${id} has no value yet: ${reading.reason}`;
      return { code: '5.03', maxAgeS: RETRY_AFTER_S, payload };
    }
    const found = { code: '2.05', format, maxAgeS: MAX_AGE_S };
    if (format === FORMATS.text) return { ...found, payload: String(reading.value) };
    if (format === FORMATS.json) return { ...found, payload: JSON.stringify(reading) };
    return { ...found, payload: packed(format, senmlPack(node, [reading], wallMs())) };
  }

  #actuator(id: string, accept: number | null): CoapAnswer {
    const state = this.#options.actuators.state(id);
    if (!state)
      return { code: '4.04', payload: `there is no actuator ${shown(id)}: /.well-known/core lists them` };
    if (accept !== null && accept !== FORMATS.json) return notAcceptable([FORMATS.json]);
    return { code: '2.05', format: FORMATS.json, maxAgeS: 0, payload: JSON.stringify(state) };
  }

  async #command(id: string, { contentFormat, payload }: CoapRequest, address: string): Promise<CoapAnswer> {
    const { gate, actuators } = this.#options;
    const admission = await gate.identify(address);
    if (admission.result !== 'admitted') return notAdmitted(admission);
    if (contentFormat !== null && contentFormat !== FORMATS.json) {
      return { code: '4.15', payload: `a command is JSON (Content-Format ${FORMATS.json})` };
    }
    const outcome: CommandOutcome = await actuators.command(id, parsed(payload), admission.reader, 'coap');
    if (outcome.result !== 'done') return { code: CODES[outcome.result], payload: outcome.sentence };
    return { code: '2.04', format: FORMATS.json, payload: JSON.stringify(outcome.state) };
  }

  #all({ accept }: CoapRequest): CoapAnswer {
    const { source, node, wallMs } = this.#options;
    const format = chosen(LIST_FORMATS, accept);
    if (format === null) return notAcceptable(LIST_FORMATS);
    const payload = packed(format, senmlPack(node, source.readings(), wallMs()));
    return { code: '2.05', format, maxAgeS: RETRY_AFTER_S, payload };
  }

  #list({ accept, query }: CoapRequest): CoapAnswer {
    if (accept !== null && accept !== FORMATS.linkFormat) return notAcceptable([FORMATS.linkFormat]);
    const formats = READING_FORMATS.join(' ');
    const links: CoreLink[] = [
      { path: '/sensors', attributes: { rt: 'tincan.sensors', if: 'core.b', ct: LIST_FORMATS.join(' ') } },
      ...this.#options.source.readings().map(({ id, name, kind }) => ({
        path: `/sensors/${id}`,
        attributes: { rt: `tincan.${kind}`, if: 'core.s', title: name, ct: formats, obs: null },
      })),
      ...this.#options.actuators.states().map(({ id, title }) => ({
        path: `/actuators/${id}`,
        attributes: { rt: 'tincan.actuator', if: 'core.a', title, ct: String(FORMATS.json), obs: null },
      })),
    ];
    const payload = linkFormat(links, query);
    return { code: '2.05', format: FORMATS.linkFormat, maxAgeS: MAX_AGE_S, payload };
  }
}

function packed(format: Format, pack: ReturnType<typeof senmlPack>): Uint8Array | string {
  return format === FORMATS.senmlCbor ? senmlCbor(pack) : JSON.stringify(pack);
}

function notAdmitted(refused: Exclude<Admission, { result: 'admitted' }>): CoapAnswer {
  const answer = { code: CODES[refused.result], payload: refused.sentence };
  return refused.result === 'too-often'
    ? { ...answer, maxAgeS: Math.ceil(refused.retryAfterMs / 1000) }
    : answer;
}

/** Undefined, which is no command, for text that is not JSON. */
function parsed(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString());
  } catch {
    return undefined;
  }
}

function chosen(formats: readonly Format[], accept: number | null): Format | null {
  if (accept === null) return formats[0] ?? null;
  return formats.find((format) => format === accept) ?? null;
}

function notAcceptable(formats: readonly Format[]): CoapAnswer {
  const { json, cbor } = SENML_TYPES;
  return {
    code: '4.06',
    payload: `this is served as ${formats.join(', ')} (110 is ${json}, 112 is ${cbor}): accept one of these`,
  };
}

function nothingAt(path: string): CoapAnswer {
  return {
    code: '4.04',
    payload: `there is nothing at ${shown(path)}: /.well-known/core lists what there is`,
  };
}
