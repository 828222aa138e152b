/**
 * Multicast DNS messages (RFC 6762) over the codec `dns-packet`: the questions that are asked of us, and our answers.
 * Names are compared in lower case; record classes are always IN.
 */
import { type Answer, AUTHORITATIVE_ANSWER, decode, encode, type Question } from 'dns-packet';

export const MDNS_PORT = 5353;
export const MDNS_GROUP4 = '224.0.0.251';
export const MDNS_GROUP6 = 'ff02::fb';

export interface MdnsQuestion {
  /** Lower case, without the dot at its end. */
  name: string;
  /** `A`, `AAAA`, `PTR`, `SRV`, `TXT`, `ANY` … */
  type: string;
  /** The answer may come by unicast (QU, section 5.4). */
  unicast: boolean;
}

export interface MdnsQuery {
  id: number;
  questions: readonly MdnsQuestion[];
  /** What the asker knows already, and need not be told (section 7.1). */
  known: ReadonlySet<string>;
}

export type MdnsRecord = {
  name: string;
  ttlS: number;
  /** One owner has all records of this name and type, so that what others said of it is to be forgotten (section 10.2). */
  unique: boolean;
} & (
  | { type: 'A' | 'AAAA' | 'PTR'; data: string }
  | { type: 'SRV'; data: { port: number; target: string } }
  | { type: 'TXT'; data: readonly string[] }
);

export interface MdnsAnswer {
  answers: readonly MdnsRecord[];
  additionals?: readonly MdnsRecord[];
  /** To an asker who is no mDNS participant (section 6.7): what it asked, under its number. */
  legacy?: { id: number; questions: readonly MdnsQuestion[] };
}

/** Section 10: records with a host's name or address, and all others. */
export const HOST_TTL_S = 120;
export const SERVICE_TTL_S = 4_500;

const CLASS_IN = 'IN';
/** The codec shows the class with its QU bit as an unknown one. */
const CLASS_IN_UNICAST = 'UNKNOWN_32769';
/** Who does not follow changes must not keep an answer for long (section 6.7). */
const LEGACY_TTL_S = 10;
/** Addresses and PTR are what known-answer lists have. */
const LISTED_TYPES: ReadonlySet<string> = new Set(['A', 'AAAA', 'PTR']);

/** Null for what is no query. */
export function readMdnsQuery(bytes: Uint8Array): MdnsQuery | null {
  try {
    const packet = decode(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    if (packet.type !== 'query') return null;
    const questions = (packet.questions ?? []).flatMap((question) => readQuestion(question));
    return { id: packet.id ?? 0, questions, known: knownIn(packet.answers ?? []) };
  } catch {
    return null;
  }
}

export function writeMdnsAnswer({ answers, additionals = [], legacy }: MdnsAnswer): Uint8Array {
  const written = (record: MdnsRecord) => codecRecord(record, legacy !== undefined);
  return encode({
    id: legacy?.id ?? 0,
    type: 'response',
    flags: AUTHORITATIVE_ANSWER,
    questions: (legacy?.questions ?? []).map(({ name, type }) => ({ name, type: type as 'A' })),
    answers: answers.map(written),
    additionals: additionals.map(written),
  });
}

/** Whether a question is one for this record. */
export function asksFor({ name, type }: MdnsQuestion, record: MdnsRecord): boolean {
  return name === record.name.toLowerCase() && (type === record.type || type === 'ANY');
}

/** Under which a record stands among the known ones. */
export function knownKey({ name, type, data }: MdnsRecord): string {
  return `${name.toLowerCase()} ${type} ${String(data).toLowerCase()}`;
}

function readQuestion(question: Question): MdnsQuestion[] {
  const of: string | undefined = question.class;
  const unicast = of === CLASS_IN_UNICAST;
  const isOurs = unicast || of === CLASS_IN || of === 'ANY';
  return isOurs ? [{ name: question.name.toLowerCase(), type: question.type, unicast }] : [];
}

/** Of what the asker knows, what is good for at least half of its time. */
function knownIn(answers: readonly Answer[]): ReadonlySet<string> {
  const keys = answers.flatMap((answer) => {
    if (!LISTED_TYPES.has(answer.type) || !('data' in answer) || typeof answer.data !== 'string') return [];
    const { ttl = 0 } = answer as { ttl?: number };
    const name = answer.name.toLowerCase();
    const half = (answer.type === 'PTR' ? SERVICE_TTL_S : HOST_TTL_S) / 2;
    return ttl >= half ? [`${name} ${answer.type} ${answer.data.toLowerCase()}`] : [];
  });
  return new Set(keys);
}

function codecRecord(record: MdnsRecord, legacy: boolean): Answer {
  const { name, unique, type, data } = record;
  const ttl = legacy ? Math.min(record.ttlS, LEGACY_TTL_S) : record.ttlS;
  const head = { name, ttl, flush: unique && !legacy };
  if (type === 'SRV') return { ...head, type, data: { ...data, priority: 0, weight: 0 } };
  if (type === 'TXT') return { ...head, type, data: [...data] };
  return { ...head, type, data };
}
