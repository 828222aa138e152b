/**
 * Answers this machine's own mDNS questions for `<name>.local` from signed membership, as neighbours.ts answers ARP: so
 * every member has its name before there is a link to it, and no packet leaves the machine for it. Answers go into the TAP
 * as if from the member itself; whoever asks here (avahi, systemd-resolved, a program) hears them on its own socket. This
 * node's own name is left to its own responder (sensors/discovery/), which hears the same questions.
 */
import type { Clock } from '../ports/clock.ts';
import type { Datapath } from '../ports/datapath.ts';
import type { LinkTable } from '../ports/link-table.ts';
import type { MemberDirectory, Membership } from '../ports/member-directory.ts';
import { ipBytes } from '../wire/ip-network.ts';
import {
  asksFor,
  HOST_TTL_S,
  knownKey,
  MDNS_PORT,
  type MdnsQuery,
  type MdnsRecord,
  readMdnsQuery,
  writeMdnsAnswer,
} from '../wire/mdns-message.ts';
import { macOfNode } from '../wire/node-address.ts';
import { readUdpFrame, type UdpDatagram, udpFrame } from '../wire/udp-frame.ts';
import { BrowseDemand } from './browse-demand.ts';

/** The kernel's resolvers ask one or two at a time; more than this at once is a scan. */
const MAX_LOOKUPS_AT_ONCE = 16;
/** A datagram can have hundreds of questions. */
const MAX_NAMES_PER_QUERY = 8;
/** One label below `.local` (RFC 6762 section 3), of the characters that member names have. */
const LOCAL_NAME = /^([a-z0-9][a-z0-9-]{0,62})\.local$/;
const ADDRESS_TYPES: ReadonlySet<string> = new Set(['A', 'AAAA', 'ANY']);
const GROUP_MAC = { ip4: '01:00:5e:00:00:fb', ip6: '33:33:00:00:00:fb' } as const;
/** Section 11: receivers may check that no router forwarded it. */
const HOP_LIMIT = 255;

export interface LocalNamesDependencies {
  self: { nodeId: string };
  directory: Pick<MemberDirectory, 'byName' | 'known'>;
  links: Pick<LinkTable, 'request'>;
  datapath: Pick<Datapath, 'deliver'>;
  clock: Clock;
}

export class LocalNames {
  readonly #parts: LocalNamesDependencies;
  readonly #browsing: BrowseDemand;
  #asking = 0;

  constructor(parts: LocalNamesDependencies) {
    this.#parts = parts;
    this.#browsing = new BrowseDemand(parts);
  }

  /** Takes a group frame from the TAP; resolves once it is answered, where it asks for members. */
  async answer(frame: Uint8Array): Promise<void> {
    const datagram = readUdpFrame(frame);
    if (datagram?.destinationPort !== MDNS_PORT) return;
    const query = readMdnsQuery(datagram.payload);
    if (!query) return;
    this.#browsing.look(query);
    await Promise.all(namesIn(query).map((name) => this.#answerFor(name, query, datagram)));
  }

  async #answerFor(name: string, query: MdnsQuery, datagram: UdpDatagram): Promise<void> {
    if (this.#asking >= MAX_LOOKUPS_AT_ONCE) return;
    this.#asking++;
    const member = await this.#parts.directory.byName(name).finally(() => this.#asking--);
    if (!member || member.nodeId === this.#parts.self.nodeId) return;
    const reply = replyFrame(member, query, datagram);
    if (reply) this.#parts.datapath.deliver(null, reply);
  }
}

function namesIn({ questions }: MdnsQuery): string[] {
  const names = questions.flatMap(({ name, type }) =>
    ADDRESS_TYPES.has(type) ? (LOCAL_NAME.exec(name)?.[1] ?? []) : [],
  );
  return [...new Set(names)].slice(0, MAX_NAMES_PER_QUERY);
}

/** Null where the asker knows all of it. */
function replyFrame(member: Membership, query: MdnsQuery, asked: UdpDatagram): Uint8Array | null {
  const records = addressRecords(member);
  const answers = records.filter(
    (record) =>
      query.questions.some((question) => asksFor(question, record)) && !query.known.has(knownKey(record)),
  );
  if (answers.length === 0) return null;
  const isLegacy = asked.sourcePort !== MDNS_PORT;
  const mine = query.questions.filter((question) => records.some((record) => asksFor(question, record)));
  const toAsker = isLegacy || mine.every(({ unicast }) => unicast);
  const isIp4 = asked.source.length === 4;
  const payload = writeMdnsAnswer({
    answers,
    additionals: records.filter((record) => !answers.includes(record)),
    ...(isLegacy ? { legacy: { id: query.id, questions: mine } } : {}),
  });
  return udpFrame(
    {
      sourceMac: macOfNode(member.nodeId),
      source: ipBytes(isIp4 ? member.ip4 : member.ip6),
      destination: toAsker ? asked.source : asked.destination,
      sourcePort: MDNS_PORT,
      destinationPort: asked.sourcePort,
      payload,
    },
    toAsker ? asked.sourceMac : GROUP_MAC[isIp4 ? 'ip4' : 'ip6'],
    HOP_LIMIT,
  );
}

function addressRecords({ name, ip4, ip6 }: Membership): MdnsRecord[] {
  const head = { name: `${name}.local`, ttlS: HOST_TTL_S, unique: true };
  return [
    { ...head, type: 'A', data: ip4 },
    { ...head, type: 'AAAA', data: ip6 },
  ];
}
