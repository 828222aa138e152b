/** Turns what a failed MQTT connection says into one sentence for people and one stable name for scripts. */
import { sentenceOf } from '../errors.ts';

export interface BusFault {
  reason: 'unreachable' | 'bad-credentials' | 'not-authorised' | 'tls' | 'kicked' | 'refused';
  problem: string;
}

/** CONNACK return codes, MQTT 3.1.1 section 3.2.2.3. */
const CONNACK_FAULTS: Readonly<Record<number, (where: string) => BusFault>> = {
  1: (where) => ({ reason: 'refused', problem: `the broker at ${where} does not speak MQTT 3.1.1` }),
  2: (where) => ({ reason: 'refused', problem: `the broker at ${where} refused this device's client id` }),
  3: (where) => ({ reason: 'unreachable', problem: `the broker at ${where} says that it is unavailable` }),
  4: (where) => ({
    reason: 'bad-credentials',
    problem: `the broker at ${where} refused the user name or password: check the fleet's broker settings`,
  }),
  5: (where) => ({
    reason: 'not-authorised',
    problem: `the broker at ${where} does not authorise this device to connect: check its user and access list`,
  }),
};

const NETWORK_FAULTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ETIMEDOUT: 'it does not answer',
  EHOSTUNREACH: 'there is no route to it',
  ENETUNREACH: 'this machine has no network',
  ECONNRESET: 'it closed the connection',
  EPIPE: 'it closed the connection',
};

const TLS_CODE = /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|EPROTO)/;

/** Node's words for a port that answers TLS's first message by closing: often one that speaks plain MQTT. */
const TLS_CUT_SHORT = /before secure TLS connection/;

/** `where` is `host:port`, without credentials. */
export function faultOf(error: unknown, where: string): BusFault {
  const code = codeOf(error);
  if (typeof code === 'number') {
    return (
      CONNACK_FAULTS[code]?.(where) ?? {
        reason: 'refused',
        problem: `the broker at ${where} refused the connection with code ${code}`,
      }
    );
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return {
      reason: 'unreachable',
      problem: `the name of the broker ${where} cannot be resolved (DNS ${code})`,
    };
  }
  if (TLS_CODE.test(code) || TLS_CUT_SHORT.test(sentenceOf(error))) {
    return {
      reason: 'tls',
      problem: `the TLS certificate or handshake of the broker at ${where} is not acceptable (${sentenceOf(error)})`,
    };
  }
  const why = NETWORK_FAULTS[code] ?? (sentenceOf(error) || code);
  return { reason: 'unreachable', problem: `the broker at ${where} cannot be reached: ${why}` };
}

/** The broker accepted us and threw us out again within seconds, twice. */
export function kickedFault(where: string, clientId: string): BusFault {
  return {
    reason: 'kicked',
    problem: `the broker at ${where} closed the connection twice within seconds: another device seems to use the identity ${clientId}`,
  };
}

/** An AggregateError of happy eyeballs has no code of its own; its first part does. */
function codeOf(error: unknown): string | number {
  if (typeof error !== 'object' || error === null) return '';
  const { code, errors } = error as { code?: unknown; errors?: unknown };
  if (typeof code === 'string' || typeof code === 'number') return code;
  return Array.isArray(errors) && errors.length > 0 ? codeOf(errors[0]) : '';
}
