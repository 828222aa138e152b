/**
 * A STUN server for tests (RFC 8489, binding over IPv4 only): says from where it sees a request come.
 *   node stun-server.mjs ADDRESS PORT
 */
import { createSocket } from 'node:dgram';

const [address, port] = process.argv.slice(2);
const HEADER_BYTES = 20;
const COOKIE = Buffer.from([0x21, 0x12, 0xa4, 0x42]);

const socket = createSocket('udp4');
socket.on('message', (request, from) => {
  const isBinding = request.length >= HEADER_BYTES && request.readUInt16BE(0) === 0x0001;
  if (!isBinding || !request.subarray(4, 8).equals(COOKIE)) return;
  const seen = Buffer.from([0, 0x20, 0, 8, 0, 1, 0, 0, ...from.address.split('.').map(Number)]);
  seen.writeUInt16BE(from.port ^ COOKIE.readUInt16BE(0), 6);
  for (let at = 0; at < 4; at++) seen[8 + at] ^= COOKIE[at];
  const header = Buffer.from(request.subarray(0, HEADER_BYTES));
  header.writeUInt16BE(0x0101, 0);
  header.writeUInt16BE(seen.length, 2);
  socket.send(Buffer.concat([header, seen]), from.port, from.address);
});
socket.bind(Number(port), address, () => process.stdout.write('ready\n'));
