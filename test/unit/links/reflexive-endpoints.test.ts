import { beforeEach, describe, expect, it } from 'vitest';
import { ReflexiveEndpoints } from '../../../agent/links/reflexive-endpoints.ts';
import type { Endpoint } from '../../../agent/ports/datapath.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';

const SERVER: Endpoint = { address: '203.0.113.9', port: 3478 };
const COOKIE = [0x21, 0x12, 0xa4, 0x42];

/** What a STUN server answers that sees the request come from 198.51.100.7 and this port. */
function answerTo(request: Uint8Array, port = 40_000): Uint8Array {
  const ip = [198, 51, 100, 7].map((byte, at) => byte ^ (COOKIE[at] ?? 0));
  const maskedPort = [(port >> 8) ^ 0x21, (port & 0xff) ^ 0x12];
  const attribute = [0, 0x20, 0, 8, 0, 1, ...maskedPort, ...ip];
  return Uint8Array.from([1, 1, 0, attribute.length, ...COOKIE, ...request.slice(8, 20), ...attribute]);
}

let clock: ManualClock;
let asked: Uint8Array[];
let changes: number;
let reflexive: ReflexiveEndpoints;

beforeEach(() => {
  clock = new ManualClock();
  asked = [];
  changes = 0;
  reflexive = new ReflexiveEndpoints({
    iceServers: ['stun:stun.example.org', 'turn:user:secret@203.0.113.8:1'],
    datapath: { sendStun: (_to, message) => void asked.push(message) },
    clock,
    resolve: async (host) => (host === 'stun.example.org' ? [SERVER.address] : []),
    changed: () => void changes++,
  });
});

describe('reflexive endpoints', () => {
  it('are what a server sees, told once', async () => {
    reflexive.start();
    reflexive.start();
    await clock.settle();
    expect(asked).toHaveLength(1);
    reflexive.receive(SERVER, answerTo(asked[0] ?? new Uint8Array()));
    reflexive.receive(SERVER, answerTo(asked[0] ?? new Uint8Array()));
    expect(reflexive.endpoints).toEqual([{ address: '198.51.100.7', port: 40_000 }]);
    expect(changes).toBe(1);
  });

  it('are asked for again while nobody answers, and then once in 25 s', async () => {
    reflexive.start();
    await clock.advance(3_600);
    expect(asked).toHaveLength(4);
    await clock.advance(26_000);
    reflexive.receive(SERVER, answerTo(asked.at(-1) ?? new Uint8Array()));
    const before = asked.length;
    await clock.advance(250_000);
    expect(asked.length - before).toBeGreaterThanOrEqual(9);
  });

  it('are not believed of anybody who was not asked', async () => {
    reflexive.start();
    await clock.settle();
    const request = asked[0] ?? new Uint8Array();
    reflexive.receive({ ...SERVER, port: 1 }, answerTo(request));
    reflexive.receive(SERVER, answerTo(new Uint8Array(20)));
    reflexive.receive(SERVER, request);
    expect(reflexive.endpoints).toEqual([]);
    expect(changes).toBe(0);
  });

  it('follow a NAT that changes its port, and are forgotten on another network', async () => {
    reflexive.start();
    await clock.settle();
    reflexive.receive(SERVER, answerTo(asked[0] ?? new Uint8Array()));
    await clock.advance(26_000);
    reflexive.receive(SERVER, answerTo(asked.at(-1) ?? new Uint8Array(), 41_000));
    expect(reflexive.endpoints).toEqual([{ address: '198.51.100.7', port: 41_000 }]);
    expect(changes).toBe(2);
    reflexive.networkChanged();
    expect(reflexive.endpoints).toEqual([]);
  });

  it('leave no timer behind', async () => {
    reflexive.start();
    await clock.advance(1_000);
    reflexive.stop();
    await clock.advance(100_000);
    expect(clock.pending()).toBe(0);
  });
});
