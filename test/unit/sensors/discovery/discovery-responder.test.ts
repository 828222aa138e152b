import { type Answer, decode, encode, type Packet, type Question } from 'dns-packet';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type {
  DatagramBinding,
  DatagramEndpoint,
  DatagramOptions,
  DatagramSockets,
} from '../../../../agent/ports/datagram.ts';
import { DiscoveryResponder } from '../../../../sensors/discovery/discovery-responder.ts';
import type { ServedEndpoints } from '../../../../sensors/discovery/service-records.ts';
import { ManualClock } from '../../../fakes/manual-clock.ts';

const PEER: DatagramEndpoint = { address: '10.64.0.9', port: 5353 };
const ENDPOINTS = { name: 'greenhouse', addresses: ['10.64.0.7', 'fd12::7'], httpPort: 80, coapPort: 5683 };

class FakeSockets implements DatagramSockets {
  readonly bound: DatagramOptions[] = [];
  readonly sent: Array<{ from: string; to: DatagramEndpoint; message: Packet }> = [];

  async bind(options: DatagramOptions): Promise<DatagramBinding> {
    this.bound.push(options);
    return {
      address: options.address,
      port: options.port,
      send: (bytes, to) => this.sent.push({ from: options.address, to, message: decode(Buffer.from(bytes)) }),
      close: async () => void this.bound.splice(this.bound.indexOf(options), 1),
    };
  }

  /** What the IPv4 socket sent since it was asked last. */
  said(): Packet[] {
    return this.sent.splice(0).flatMap(({ from, message }) => (from === '10.64.0.7' ? [message] : []));
  }
}

async function started(endpoints: ServedEndpoints = ENDPOINTS) {
  const clock = new ManualClock();
  const sockets = new FakeSockets();
  const overlayNetworks = ['10.64.0.0/16', 'fd12::/64'];
  const responder = new DiscoveryResponder({ sockets, clock, random: () => 0.5, overlayNetworks });
  await responder.start(endpoints);
  const hear = (questions: Question[], from = PEER, answers: Answer[] = [], id = 0) =>
    sockets.bound[0]?.receive(encode({ id, type: 'query', questions, answers }), from);
  /** Past the second announcement, and what may not be repeated within a second of it. */
  const settle = async () => {
    await clock.advance(5_000);
    sockets.said();
  };
  return { clock, sockets, responder, hear, settle };
}

const namesOf = (packet: Packet | undefined) => packet?.answers?.map(({ name, type }) => `${type} ${name}`);

describe('service discovery', () => {
  it('hears both groups, and announces everything twice', async () => {
    const { clock, sockets } = await started();
    expect(sockets.bound.map(({ address, port, group }) => [address, port, group])).toEqual([
      ['10.64.0.7', 5353, '224.0.0.251'],
      ['fd12::7', 5353, 'ff02::fb'],
    ]);
    await clock.advance(5_000);
    const said = sockets.said();
    expect(said).toHaveLength(2);
    expect(said[0]?.answers).toEqual(said[1]?.answers);
    expect(said[0]?.answers).toHaveLength(3 * 4 + 2);
    expect(said[0]?.answers?.filter(({ type }) => type === 'TXT')).toMatchObject([
      {
        name: 'greenhouse._wot._tcp.local',
        flush: true,
        data: [Buffer.from('td=/.well-known/wot'), Buffer.from('type=Thing'), Buffer.from('scheme=http')],
      },
      { name: 'greenhouse._http._tcp.local' },
      { name: 'greenhouse._coap._udp.local' },
    ]);
    expect(said[0]?.answers?.find(({ type }) => type === 'PTR')).toMatchObject({ flush: false, ttl: 4_500 });
  });

  it('answers who browses, with all he wants to know next', async () => {
    const { clock, sockets, hear, settle } = await started();
    await settle();
    hear([{ name: '_wot._tcp.local', type: 'PTR' }]);
    expect(sockets.said()).toEqual([]);
    await clock.advance(120);
    const [answer] = sockets.said();
    expect(namesOf(answer)).toEqual(['PTR _wot._tcp.local']);
    expect(answer?.additionals?.map(({ type }) => type)).toEqual(['SRV', 'TXT', 'A', 'AAAA']);
    expect(answer?.additionals?.[0]).toMatchObject({ data: { port: 80, target: 'greenhouse.local' } });
  });

  it('answers for its host name and for the list of all services, and for nothing else', async () => {
    const { clock, sockets, hear, settle } = await started();
    await settle();
    hear([{ name: 'GREENHOUSE.local', type: 'A' }]);
    hear([{ name: '_services._dns-sd._udp.local', type: 'PTR' }]);
    hear([{ name: 'laptop.local', type: 'A' }]);
    hear([{ name: 'greenhouse.local', type: 'MX' }]);
    await clock.advance(120);
    const said = sockets.said();
    expect(said).toHaveLength(1);
    expect(namesOf(said[0])).toEqual([
      'A greenhouse.local',
      ...Array(3).fill('PTR _services._dns-sd._udp.local'),
    ]);
  });

  it('says each record once a second at most, and not what is known', async () => {
    const { clock, sockets, hear, settle } = await started();
    await settle();
    for (let count = 0; count < 50; count++) {
      hear([{ name: '_coap._udp.local', type: 'PTR' }]);
      await clock.advance(100);
    }
    expect(sockets.said().length).toBeLessThanOrEqual(6);
    await clock.advance(2_000);
    const known: Answer = {
      name: '_coap._udp.local',
      type: 'PTR',
      ttl: 4_000,
      data: 'greenhouse._coap._udp.local',
    };
    hear([{ name: '_coap._udp.local', type: 'PTR' }], PEER, [known]);
    await clock.advance(1_000);
    expect(sockets.said()).toEqual([]);
  });

  it('answers a program with a port of its own alone, and not without end', async () => {
    const { sockets, hear, settle } = await started();
    await settle();
    const from = { address: '10.64.0.9', port: 40_000 };
    for (let count = 0; count < 100; count++) hear([{ name: 'greenhouse.local', type: 'A' }], from, [], 9);
    expect(sockets.sent).toHaveLength(20);
    expect(sockets.sent[0]).toMatchObject({
      to: from,
      message: {
        id: 9,
        questions: [{ name: 'greenhouse.local' }],
        answers: [{ data: '10.64.0.7', ttl: 10 }],
      },
    });
  });

  it('hears nobody from outside the overlay', async () => {
    const { clock, sockets, hear, settle } = await started();
    await settle();
    for (const address of ['192.168.1.7', '2001:db8::1'])
      hear([{ name: 'greenhouse.local', type: 'A' }], { address, port: 5353 });
    await clock.advance(1_000);
    expect(sockets.said()).toEqual([]);
    hear([{ name: 'greenhouse.local', type: 'A' }], { address: 'fe80::7%tincan0', port: 5353 });
    await clock.advance(1_000);
    expect(sockets.said()).toHaveLength(1);
  });

  it('announces itself to who came into reach, but not at every link of a flapping one', async () => {
    const { clock, sockets, responder, settle } = await started();
    await settle();
    for (let count = 0; count < 100; count++) {
      responder.announce();
      await clock.advance(100);
    }
    expect(sockets.said()).toHaveLength(2);
    await clock.advance(5_000);
    expect(sockets.said()).toHaveLength(1);
    await clock.advance(60_000);
    expect(sockets.said()).toEqual([]);
  });

  it('answers who came into reach just after all was told to others', async () => {
    const { clock, sockets, responder, hear } = await started();
    await clock.advance(1_200);
    sockets.said();
    hear([{ name: '_wot._tcp.local', type: 'PTR' }]);
    await clock.advance(120);
    expect(sockets.said()).toEqual([]);
    responder.announce();
    hear([{ name: '_wot._tcp.local', type: 'PTR' }]);
    await clock.advance(120);
    expect(sockets.said().map(namesOf)).toEqual([['PTR _wot._tcp.local']]);
  });

  it('takes its services back when it ends, and leaves nothing running', async () => {
    const { clock, sockets, responder } = await started();
    sockets.said();
    await responder.stop();
    const [goodbye] = sockets.said();
    expect(goodbye?.answers).toHaveLength(3 * 4);
    expect(goodbye?.answers?.every((answer) => 'ttl' in answer && answer.ttl === 0)).toBe(true);
    expect(sockets.bound).toEqual([]);
    expect(clock.pending()).toBe(0);
  });

  it('tells of no service that there is not', async () => {
    const { sockets } = await started({ ...ENDPOINTS, coapPort: null });
    expect(sockets.said()[0]?.answers?.length).toBe(2 * 4 + 2);
  });

  it('survives any datagram', async () => {
    const { sockets } = await started();
    const [socket] = sockets.bound;
    const header = [0, 0, 0, 0, 0, 3, 0, 3, 0, 0, 0, 0];
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, headed) => {
        socket?.receive(headed ? Uint8Array.from([...header, ...bytes]) : bytes, PEER);
      }),
    );
  });
});
