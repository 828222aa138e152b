import { type Answer, decode, encode, type Question } from 'dns-packet';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { LocalNames } from '../../../agent/overlay/local-names.ts';
import type { Membership } from '../../../agent/ports/member-directory.ts';
import { macText } from '../../../agent/wire/ethernet-frame.ts';
import { checksum } from '../../../agent/wire/icmp.ts';
import { ipBytes } from '../../../agent/wire/ip-network.ts';
import { macOfNode } from '../../../agent/wire/node-address.ts';
import { readUdpFrame, udpFrame } from '../../../agent/wire/udp-frame.ts';
import { FakeLinkTable } from '../../fakes/fake-link-table.ts';
import { OWN_MAC } from '../../fakes/frames.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';

const SELF = 'aaaaaaaaaaaaaaaa';
const PEER = 'mmg43kmfrynqg2ap';
const GROUP = { 4: '224.0.0.251', 6: 'ff02::fb' } as const;
const OWN = { 4: '10.64.0.1', 6: 'fe80::1' } as const;

const memberNamed = (name: string, nodeId: string): Membership => ({
  nodeId,
  name,
  publicKey: new Uint8Array(32),
  sealingKey: new Uint8Array(32),
  ip4: '10.64.0.7',
  ip6: 'fd12::7',
  tags: [],
  serial: 1,
  certificate: new Uint8Array(),
});
const MEMBERS = [memberNamed('greenhouse', PEER), memberNamed('laptop', SELF)];

let asked: string[];
let delivered: Uint8Array[];
let links: FakeLinkTable;
let clock: ManualClock;
let names: LocalNames;

beforeEach(() => {
  asked = [];
  delivered = [];
  links = new FakeLinkTable();
  clock = new ManualClock();
  names = new LocalNames({
    self: { nodeId: SELF },
    directory: {
      byName: async (name) => {
        asked.push(name);
        return MEMBERS.find((member) => member.name === name) ?? null;
      },
      known: () => MEMBERS,
    },
    links,
    datapath: { deliver: (_, frame) => delivered.push(frame) > 0 },
    clock,
  });
});

interface Asked {
  questions: Question[];
  answers?: Answer[];
  version?: 4 | 6;
  port?: number;
  id?: number;
}

/** A question as the kernel writes it into the TAP. */
function questionFrame({ questions, answers = [], version = 4, port = 5353, id = 0 }: Asked): Uint8Array {
  const datagram = {
    sourceMac: OWN_MAC,
    source: ipBytes(OWN[version]),
    destination: ipBytes(GROUP[version]),
    sourcePort: port,
    destinationPort: 5353,
    payload: encode({ id, type: 'query', questions, answers }),
  };
  return udpFrame(datagram, version === 4 ? '01:00:5e:00:00:fb' : '33:33:00:00:00:fb', 255);
}

async function reply(question: Asked) {
  await names.answer(questionFrame(question));
  const [frame] = delivered.splice(0);
  const datagram = frame && readUdpFrame(frame);
  return datagram ? { frame, datagram, message: decode(Buffer.from(datagram.payload)) } : null;
}

const ask = (name: string, type: 'A' | 'AAAA' | 'ANY' | 'PTR' = 'A') => ({
  questions: [{ name, type: type as 'A' }],
});

describe('names of members', () => {
  it.each([4, 6] as const)(
    'are answered to the group over IPv%i, as if from the member itself',
    async (version) => {
      const answer = await reply({ ...ask('Greenhouse.local'), version });
      expect(asked).toEqual(['greenhouse']);
      expect(answer?.message).toMatchObject({ id: 0, type: 'response', flag_aa: true, questions: [] });
      expect(answer?.message.answers).toMatchObject([
        { name: 'greenhouse.local', type: 'A', data: '10.64.0.7', ttl: 120, flush: true },
      ]);
      expect(answer?.message.additionals).toMatchObject([{ type: 'AAAA', data: 'fd12::7' }]);
      const { sourceMac, source, destination, sourcePort, destinationPort } = answer?.datagram ?? {};
      expect([sourceMac, sourcePort, destinationPort]).toEqual([macOfNode(PEER), 5353, 5353]);
      expect([source, destination]).toEqual([
        ipBytes(version === 4 ? '10.64.0.7' : 'fd12::7'),
        ipBytes(GROUP[version]),
      ]);
      expect(macText((answer?.frame ?? new Uint8Array()).subarray(0, 6))).toBe(
        version === 4 ? '01:00:5e:00:00:fb' : '33:33:00:00:00:fb',
      );
    },
  );

  it('stand in frames with right checksums and a hop limit of 255', async () => {
    const { frame = new Uint8Array() } = (await reply(ask('greenhouse.local'))) ?? {};
    const ip = frame.subarray(14);
    const udp = ip.subarray(20);
    expect(ip[8]).toBe(255);
    expect(checksum(ip.subarray(0, 20))).toBe(0);
    expect(checksum(Uint8Array.from([...ip.subarray(12, 20), 0, 17, 0, udp.length, ...udp]))).toBe(0);
  });

  it('go back to the asker alone where it wants that, or asks from a port of its own', async () => {
    const unicast = {
      questions: [{ name: 'greenhouse.local', type: 'AAAA' as const, class: 'IN' as const }],
    };
    const frame = questionFrame(unicast);
    // The QU bit, which the library cannot set.
    frame[frame.length - 2] = 0x80;
    await names.answer(frame);
    const [answer = new Uint8Array()] = delivered.splice(0);
    expect(macText(answer.subarray(0, 6))).toBe(OWN_MAC);
    const legacy = await reply({ ...ask('greenhouse.local'), port: 40_000, id: 77 });
    expect(legacy?.message).toMatchObject({
      id: 77,
      questions: [{ name: 'greenhouse.local', type: 'A' }],
      answers: [{ type: 'A', ttl: 10, flush: false }],
    });
    expect(legacy?.datagram).toMatchObject({ destinationPort: 40_000, destination: ipBytes('10.64.0.1') });
  });

  it('are not told to whoever knows them already', async () => {
    const known = (ttl: number): Answer[] => [
      { name: 'greenhouse.local', type: 'A', ttl, data: '10.64.0.7' },
    ];
    expect(await reply({ ...ask('greenhouse.local'), answers: known(61) })).toBeNull();
    expect(await reply({ ...ask('greenhouse.local'), answers: known(59) })).not.toBeNull();
  });

  it('are silent of its own, of strangers and of what is no name of a host', async () => {
    for (const name of [
      'laptop.local',
      'printer.local',
      'a.greenhouse.local',
      'greenhouse',
      'greenhouse.example',
    ]) {
      expect([name, await reply(ask(name))]).toEqual([name, null]);
    }
    expect(await reply(ask('greenhouse.local', 'PTR'))).toBeNull();
    expect(asked).toEqual(['laptop', 'printer']);
  });

  it('are looked up a bounded number of times, whatever one datagram asks', async () => {
    const questions = Array.from({ length: 60 }, (_, at) => ({
      name: `host-${at}.local`,
      type: 'A' as const,
    }));
    await reply({ questions });
    expect(asked).toHaveLength(8);
  });

  it('survive any datagram', async () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc
        .uint8Array({ maxLength: 60 })
        .map((rest) => Uint8Array.from([0, 0, 0, 0, 0, 2, 0, 1, 0, 0, 0, 0, ...rest])),
    );
    await fc.assert(
      fc.asyncProperty(bytes, async (payload) => {
        const [source, destination] = [ipBytes(OWN[4]), ipBytes(GROUP[4])];
        const datagram = {
          sourceMac: OWN_MAC,
          source,
          destination,
          sourcePort: 5353,
          destinationPort: 5353,
          payload,
        };
        const frame = udpFrame(datagram, '01:00:5e:00:00:fb', 255);
        await names.answer(frame);
        await names.answer(frame.subarray(0, frame.length - 1));
        await names.answer(payload);
      }),
    );
  });
});

describe('browsing for services', () => {
  it('makes links to known members, and not again for a while', async () => {
    await reply(ask('_ipp._tcp.local', 'PTR'));
    expect(links.requests).toBe(0);
    for (let count = 0; count < 5; count++) await reply(ask('_wot._tcp.local', 'PTR'));
    expect(links.requests).toBe(1);
    await clock.advance(30_000);
    await reply(ask('_services._dns-sd._udp.local', 'PTR'));
    expect(links.requests).toBe(2);
  });
});
