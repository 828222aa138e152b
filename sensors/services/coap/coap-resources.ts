/** What a node offers by CoAP, and how each of it is answered; no message is known here. */
import type { AccessAction, AccessDecision } from '../../access.ts';
import { SENML_TYPES, senmlCbor, senmlPack } from '../senml.ts';
import { type ServiceSource, shown } from '../service-source.ts';
import { type CoapAnswer, type CoapRequest, FORMATS, type Format } from './coap-message.ts';
import { type CoreLink, linkFormat } from './link-format.ts';

export interface CoapResourcesOptions extends ServiceSource {
  /** Whether a client may do that. */
  access: (address: string, action: AccessAction) => Promise<AccessDecision>;
}

/** How long an answer counts as fresh (RFC 7252 section 5.6.1); who observes is told of the value in less. */
export const MAX_AGE_S = 60;
/** A sensor that was not read yet is tried again within seconds. */
const RETRY_AFTER_S = 5;
/** In the order of preference where a client does not say. */
const READING_FORMATS: readonly Format[] = [FORMATS.senmlJson, FORMATS.senmlCbor, FORMATS.json, FORMATS.text];
const LIST_FORMATS: readonly Format[] = [FORMATS.senmlJson, FORMATS.senmlCbor];
const SENSOR_PATH = /^\/sensors\/([^/]+)$/;

export class CoapResources {
  readonly #options: CoapResourcesOptions;

  constructor(options: CoapResourcesOptions) {
    this.#options = options;
  }

  /** Never throws. `address` is the client's. */
  async answer(request: CoapRequest, address: string): Promise<CoapAnswer> {
    const { method, path } = request;
    if (method !== 'GET') return { code: '4.05', payload: 'sensors can only be read: ask with GET' };
    const decision = await this.#options.access(address, 'read');
    if (!decision.allowed) return { code: '4.03', payload: decision.sentence };
    if (path === '/.well-known/core') return this.#list(request);
    if (path === '/sensors') return this.#all(request);
    const id = this.sensorOf(path);
    return id === null ? nothingAt(path) : this.reading(id, request.accept);
  }

  /** Which sensor is at a path; null: none of a sensor. */
  sensorOf(path: string): string | null {
    return SENSOR_PATH.exec(path)?.[1] ?? null;
  }

  /** The state of one sensor, as it is answered and as it is told to whoever observes it. */
  reading(id: string, accept: number | null): CoapAnswer {
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
    ];
    const payload = linkFormat(links, query);
    return { code: '2.05', format: FORMATS.linkFormat, maxAgeS: MAX_AGE_S, payload };
  }
}

function packed(format: Format, pack: ReturnType<typeof senmlPack>): Uint8Array | string {
  return format === FORMATS.senmlCbor ? senmlCbor(pack) : JSON.stringify(pack);
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
