/**
 * What a node tells of itself by DNS-SD (RFC 6763): `_wot._tcp` with the TXT record of W3C WoT Discovery (`td`, `type`),
 * `_http._tcp` and `_coap._udp`, each as the instance `<name>`, at the host `<name>.local` with its virtual addresses.
 */
import { HOST_TTL_S, type MdnsRecord, SERVICE_TTL_S } from '../../agent/wire/mdns-message.ts';

export interface ServedEndpoints {
  /** The member's name. */
  name: string;
  addresses: readonly string[];
  httpPort: number;
  /** Null: there is none. */
  coapPort: number | null;
}

interface Service {
  type: string;
  port: number;
  txt: readonly string[];
}

const BROWSE_ALL = '_services._dns-sd._udp.local';

/** All records of this node; shared ones (PTR) and those of which it is the only owner. */
export function recordsOf(endpoints: ServedEndpoints): MdnsRecord[] {
  const { name, addresses } = endpoints;
  const host = `${name}.local`;
  return [
    ...servicesOf(endpoints).flatMap((service) => serviceRecords(name, host, service)),
    ...addresses.map(
      (address): MdnsRecord => ({
        name: host,
        ttlS: HOST_TTL_S,
        unique: true,
        type: address.includes(':') ? 'AAAA' : 'A',
        data: address,
      }),
    ),
  ];
}

function servicesOf({ httpPort, coapPort }: ServedEndpoints): Service[] {
  const wot = ['td=/.well-known/wot', 'type=Thing', 'scheme=http'];
  return [
    { type: '_wot._tcp.local', port: httpPort, txt: wot },
    { type: '_http._tcp.local', port: httpPort, txt: ['path=/'] },
    ...(coapPort === null
      ? []
      : [{ type: '_coap._udp.local', port: coapPort, txt: ['path=/.well-known/core'] }]),
  ];
}

function serviceRecords(name: string, host: string, { type, port, txt }: Service): MdnsRecord[] {
  const instance = `${name}.${type}`;
  return [
    { name: BROWSE_ALL, ttlS: SERVICE_TTL_S, unique: false, type: 'PTR', data: type },
    { name: type, ttlS: SERVICE_TTL_S, unique: false, type: 'PTR', data: instance },
    { name: instance, ttlS: HOST_TTL_S, unique: true, type: 'SRV', data: { port, target: host } },
    { name: instance, ttlS: SERVICE_TTL_S, unique: true, type: 'TXT', data: txt },
  ];
}

/** What an asker wants to know next, given the answers (RFC 6763 section 12). */
export function additionalsFor(answers: readonly MdnsRecord[], all: readonly MdnsRecord[]): MdnsRecord[] {
  const told = new Set(answers);
  // A set tells of what is added to it on the way, too.
  for (const record of told) for (const next of nextOf(record, all)) told.add(next);
  return [...told].filter((record) => !answers.includes(record));
}

function nextOf(record: MdnsRecord, all: readonly MdnsRecord[]): MdnsRecord[] {
  if (record.type === 'PTR') {
    return record.name === BROWSE_ALL ? [] : all.filter(({ name }) => name === record.data);
  }
  const host = record.type === 'SRV' ? record.data.target : record.name;
  return all.filter(({ name, type }) => name === host && (type === 'A' || type === 'AAAA'));
}
