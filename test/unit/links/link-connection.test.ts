import { describe, expect, it } from 'vitest';
import { LinkConnection } from '../../../agent/links/link-connection.ts';
import type { PeerTransport, PeerTransportEvents } from '../../../agent/ports/peer-transport.ts';
import { FakePeerTransport } from '../../fakes/fake-peer-transport.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';

/** A connection whose transport says what the test says. */
function connection(presented: (transport: FakePeerTransport) => string) {
  let say: PeerTransportEvents | null = null;
  const heard: string[] = [];
  const create = (_peer: string, _servers: readonly string[], events: PeerTransportEvents): PeerTransport => {
    say = events;
    const transport = new FakePeerTransport(events, new Map());
    transport.remoteFingerprint = () => presented(transport);
    return transport;
  };
  const made = new LinkConnection(
    's',
    { name: 'p', iceServers: [] },
    { create, close: () => undefined },
    new ManualClock(),
    {
      described: () => undefined,
      gathered: () => undefined,
      ready: () => heard.push('ready'),
      failed: (reason) => heard.push(reason),
      doubt: () => undefined,
      control: (message) => heard.push(message),
      frame: () => heard.push('frame'),
    },
  );
  if (say === null) throw new Error('no transport was made');
  const events: PeerTransportEvents = say;
  return { made, events, heard };
}

const SIGNED = Array.from({ length: 32 }, () => 'AB').join(':');
const sdp = `a=fingerprint:sha-256 ${SIGNED}\r\na=fake-id:x\r\n`;

describe('what a peer says before its certificate is known', () => {
  it('waits, and is heard after the connection is ready', () => {
    const { made, events, heard } = connection(() => SIGNED);
    made.acceptAnswer(sdp, []);
    events.control('bye');
    events.frame(new Uint8Array(60));
    expect(heard).toEqual([]);
    events.ready();
    events.control('more');
    expect(heard).toEqual(['ready', 'bye', 'more']);
  });

  it('is never heard when it is not the one that was signed', () => {
    const { made, events, heard } = connection((transport) => transport.fingerprint);
    made.acceptAnswer(sdp, []);
    events.control('resume');
    events.ready();
    events.control('resume');
    events.frame(new Uint8Array(60));
    expect(heard).toEqual(['fingerprint-mismatch']);
  });
});
