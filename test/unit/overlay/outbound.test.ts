import { beforeEach, describe, expect, it } from 'vitest';
import { MAX_QUEUE_AGE_MS, MAX_QUEUED_FRAMES } from '../../../agent/overlay/frame-queue.ts';
import { Outbound } from '../../../agent/overlay/outbound.ts';
import type { MemberDirectory, Membership } from '../../../agent/ports/member-directory.ts';
import { macText } from '../../../agent/wire/ethernet-frame.ts';
import { ip6OfNode, macOfNode } from '../../../agent/wire/node-address.ts';
import { tcpUnreachable } from '../../../agent/wire/tcp-unreachable.ts';
import { FakeLinkTable } from '../../fakes/fake-link-table.ts';
import { arpRequestFrame, ip4Frame, solicitationFrame } from '../../fakes/frames.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';

const FLEET = 'mzukvlm75kfxnt4k';
const PEER = 'mmg43kmfrynqg2ap';
const PEER_IP6 = ip6OfNode(FLEET, PEER);
const SELF = { nodeId: 'aaaaaaaaaaaaaaaa', ip4: '10.64.0.1', ip6: ip6OfNode(FLEET, 'aaaaaaaaaaaaaaaa') };

const member: Membership = {
  nodeId: PEER,
  name: 'greenhouse',
  publicKey: new Uint8Array(32),
  sealingKey: new Uint8Array(32),
  ip4: '10.64.0.7',
  ip6: PEER_IP6,
  tags: [],
  serial: 1,
  certificate: new Uint8Array(),
};

class OneMemberDirectory implements MemberDirectory {
  seen = false;
  lookUps = 0;
  byIp4 = async (address: string) => this.#find(address === member.ip4);
  byIp6 = async (address: string) => this.#find(address === member.ip6);
  byNodeId = async (nodeId: string) => this.#find(nodeId === member.nodeId);
  byName = async (name: string) => this.#find(name === member.name);
  verify = () => null;
  known = () => (this.seen ? [member] : []);
  everyone = async () => this.known();

  #find(matches: boolean): Membership | null {
    this.lookUps++;
    this.seen ||= matches;
    return matches ? member : null;
  }
}

let clock: ManualClock;
let links: FakeLinkTable;
let directory: OneMemberDirectory;
let delivered: Uint8Array[];
let outbound: Outbound;
const settle = () => clock.advance(0);
const toPeer = (bytes = 8) => ip4Frame({ to: macOfNode(PEER), destination: member.ip4, bytes });

beforeEach(() => {
  clock = new ManualClock();
  links = new FakeLinkTable();
  directory = new OneMemberDirectory();
  delivered = [];
  const datapath = { deliver: (_slot: number | null, frame: Uint8Array) => delivered.push(frame) > 0 };
  outbound = new Outbound({ self: SELF, directory, links, datapath, answersNames: true, clock });
});

describe('neighbours', () => {
  it('answers ARP for a member from membership, and starts the link', async () => {
    outbound.receive({ kind: 'frame', why: 'neighbour', frame: arpRequestFrame(SELF.ip4, member.ip4) });
    await settle();
    expect(delivered.map((frame) => macText(frame.subarray(6, 12)))).toEqual([macOfNode(PEER)]);
    expect(links.requests).toBe(1);
  });

  it('answers a neighbour solicitation, global and link-local', async () => {
    outbound.receive({ kind: 'frame', why: 'neighbour', frame: solicitationFrame(PEER_IP6) });
    await settle();
    const mac = macOfNode(PEER).split(':');
    const linkLocal = `fe80:0:0:0:0:${mac[1]}ff:fe${mac[2]}:0`.replace(
      /0:[^:]*ff:fe[^:]*:0$/,
      `${(Number.parseInt(`0x${mac[0]}`, 16) ^ 2).toString(16)}${mac[1]}:${mac[2]}ff:fe${mac[3]}:${mac[4]}${mac[5]}`,
    );
    outbound.receive({ kind: 'frame', why: 'neighbour', frame: solicitationFrame(linkLocal) });
    await settle();
    expect(delivered.map((frame) => frame[54])).toEqual([136, 136]);
  });

  it('stays silent about strangers and about its own address, and asks once for a question in flight', async () => {
    for (let round = 0; round < 3; round++) {
      outbound.receive({ kind: 'frame', why: 'neighbour', frame: arpRequestFrame(SELF.ip4, '10.64.9.9') });
    }
    outbound.receive({ kind: 'frame', why: 'neighbour', frame: arpRequestFrame('0.0.0.0', SELF.ip4) });
    await settle();
    expect(delivered).toEqual([]);
    expect(directory.lookUps).toBe(1);
    expect(outbound.drops.snapshot()).toEqual({ 'not-a-member': 1 });
  });
});

describe('frames for a member', () => {
  it('without a link start one and are sent in order when it is up: none is lost', async () => {
    const frames = Array.from({ length: 40 }, (_, index) => toPeer(index));
    for (const frame of frames) outbound.receive({ kind: 'frame', why: 'unknown-destination', frame });
    await settle();
    expect(links.sent).toEqual([]);
    const late = toPeer(100);
    outbound.receive({ kind: 'slow-path', slot: 0, frame: late });
    links.bringUp(0);
    expect(links.sent.map((entry) => entry.frame)).toEqual([...frames, late]);
    expect(outbound.drops.snapshot()).toEqual({});
  });

  it('whose link is up but has no fast path go over it at once', () => {
    links.request(member);
    links.bringUp(0);
    outbound.receive({ kind: 'slow-path', slot: 0, frame: toPeer() });
    expect(links.sent).toHaveLength(1);
  });

  it('are dropped oldest first beyond the bound, and when too old', async () => {
    links.request(member);
    for (let index = 0; index < MAX_QUEUED_FRAMES + 5; index++) {
      outbound.receive({ kind: 'slow-path', slot: 0, frame: toPeer() });
    }
    await clock.advance(MAX_QUEUE_AGE_MS + 1);
    const young = toPeer(9);
    outbound.receive({ kind: 'slow-path', slot: 0, frame: young });
    links.bringUp(0);
    expect(links.sent.map((entry) => entry.frame)).toEqual([young]);
    expect(outbound.drops.snapshot()).toEqual({ 'queue-full': 5, 'queue-expired': MAX_QUEUED_FRAMES });
  });

  it('of TCP are not delivered late, and TCP is told that the way is closed', async () => {
    links.request(member);
    const tcp = ip4Frame({ to: macOfNode(PEER), destination: member.ip4, protocol: 6, bytes: 20 });
    outbound.receive({ kind: 'slow-path', slot: 0, frame: tcp });
    const answer = tcpUnreachable(tcp) ?? new Uint8Array();
    expect(delivered).toEqual([answer, answer]);
    outbound.receive({ kind: 'slow-path', slot: 0, frame: toPeer() });
    await clock.advance(2_000);
    links.bringUp(0);
    expect(links.sent.map((entry) => entry.frame)).toEqual([toPeer()]);
    expect(outbound.drops.snapshot()).toEqual({ 'queue-expired': 1 });
  });

  it('of TCP echo no time while the peer is lost or just back, and TCP is told while it is lost', () => {
    links.request(member);
    links.bringUp(0);
    const made = () => {
      const frame = ip4Frame({ to: macOfNode(PEER), destination: member.ip4, protocol: 6, bytes: 32 });
      frame.set([0x80, 0x10], 14 + 20 + 12);
      frame.set([1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8], 14 + 20 + 20);
      return frame;
    };
    const echoes = () => links.sent.map(({ frame }) => [...frame.subarray(14 + 20 + 28, 14 + 20 + 32)]);
    links.conditions.set(0, 'lost');
    outbound.receive({ kind: 'slow-path', slot: 0, frame: made() });
    expect(delivered).toHaveLength(2);
    links.conditions.set(0, 'back');
    links.limits.set(0, { bytes: 1400, settled: true });
    outbound.receive({ kind: 'oversize', slot: 0, frame: made() });
    links.conditions.set(0, 'steady');
    outbound.receive({ kind: 'slow-path', slot: 0, frame: made() });
    expect(delivered).toHaveLength(2);
    expect(echoes()).toEqual([
      [0, 0, 0, 0],
      [0, 0, 0, 0],
      [5, 6, 7, 8],
    ]);
  });

  it('are counted with the link that never came up', () => {
    links.request(member);
    outbound.receive({ kind: 'slow-path', slot: 0, frame: toPeer() });
    links.takeDown(0);
    outbound.receive({ kind: 'slow-path', slot: 0, frame: toPeer() });
    expect(outbound.drops.snapshot()).toEqual({ 'link-failed': 2 });
  });

  it('are counted when the channel is full or closed', () => {
    links.request(member);
    links.bringUp(0);
    links.result = 'full';
    outbound.receive({ kind: 'slow-path', slot: 0, frame: toPeer() });
    links.result = 'closed';
    outbound.receive({ kind: 'slow-path', slot: 0, frame: toPeer() });
    expect(outbound.drops.snapshot()).toEqual({ 'slow-path-full': 1, 'slow-path-closed': 1 });
  });

  it('to a MAC that is not the member’s own are not sent to anybody', async () => {
    const frame = ip4Frame({ to: '02:00:00:00:00:99', destination: member.ip4 });
    outbound.receive({ kind: 'frame', why: 'unknown-destination', frame });
    await settle();
    expect(links.requests).toBe(0);
    expect(outbound.drops.snapshot()).toEqual({ 'not-a-member': 1 });
  });
});

describe('multicast', () => {
  const mdns = ip4Frame({ to: '01:00:5e:00:00:fb', destination: '224.0.0.251', port: 5353 });

  it('is copied to links that are up, and to no other', () => {
    links.request(member);
    outbound.receive({ kind: 'frame', why: 'flood', frame: mdns });
    expect(links.sent).toEqual([]);
    links.bringUp(0);
    outbound.receive({ kind: 'frame', why: 'flood', frame: mdns });
    expect(links.sent).toHaveLength(1);
  });
});
