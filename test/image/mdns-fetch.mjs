/**
 * Runs on a member: asks by multicast DNS (RFC 6762) for a name on the overlay, then fetches a path from the address
 * that answers, with that name as its host. Prints one line of JSON.
 *   node mdns-fetch.mjs NAME.local OWN_OVERLAY_ADDRESS PATH TIMEOUT_MS
 */
import { createSocket } from 'node:dgram';
import { get } from 'node:http';

const GROUP = '224.0.0.251';
const PORT = 5353;
const ASK_EVERY_MS = 1000;
const TYPE_A = 1;

const [name = '', ownAddress = '', path = '/', timeoutMs = ''] = process.argv.slice(2);
const socket = createSocket({ type: 'udp4', reuseAddr: true });
let lastProblem = 'nobody answered for the name';

function question() {
  const labels = name
    .split('.')
    .map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)]));
  const header = Buffer.from([0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  return Buffer.concat([header, ...labels, Buffer.from([0, 0, TYPE_A, 0, 1])]);
}

/** The end of a name that starts at `at`. */
function skipName(message, at) {
  for (let position = at; position < message.length; ) {
    const length = message[position];
    if (length === 0) return position + 1;
    if (length >= 0xc0) return position + 2;
    position += length + 1;
  }
  return message.length;
}

/** IPv4 addresses among the answers of a response whose first name is ours. */
function addressesIn(message) {
  if (message.length < 12 || (message[2] & 0x80) === 0) return [];
  const addresses = [];
  let at = 12;
  for (let left = message.readUInt16BE(4); left > 0; left -= 1) at = skipName(message, at) + 4;
  for (let left = message.readUInt16BE(6); left > 0 && at < message.length; left -= 1) {
    const after = skipName(message, at);
    if (after + 10 > message.length) break;
    const type = message.readUInt16BE(after);
    const length = message.readUInt16BE(after + 8);
    const data = message.subarray(after + 10, after + 10 + length);
    const owner = message.subarray(at, after).toString('latin1').toLowerCase();
    const isOurs = owner.includes(name.split('.')[0].toLowerCase());
    if (type === TYPE_A && length === 4 && isOurs) addresses.push([...data].join('.'));
    at = after + 10 + length;
  }
  return addresses;
}

function fetchFrom(address) {
  const request = get(
    { host: address, path, headers: { host: name }, agent: false, timeout: 10_000 },
    (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => {
        const body = Buffer.concat(chunks).toString('utf8');
        if (response.statusCode !== 200) {
          lastProblem = `${address} answered ${response.statusCode}: ${body.slice(0, 200)}`;
          return;
        }
        process.stdout.write(`${JSON.stringify({ status: 200, address, body })}\n`, () => process.exit(0));
      });
    },
  );
  request.on('error', (error) => {
    lastProblem = `${address}: ${error.message}`;
  });
}

socket.on('message', (message) => {
  for (const address of addressesIn(message)) fetchFrom(address);
});
socket.bind(PORT, () => {
  socket.addMembership(GROUP, ownAddress);
  socket.setMulticastInterface(ownAddress);
  socket.setMulticastTTL(255);
  const ask = () => socket.send(question(), PORT, GROUP);
  ask();
  setInterval(ask, ASK_EVERY_MS);
});
setTimeout(() => {
  process.stderr.write(`http://${name}${path} on the overlay: ${lastProblem}\n`, () => process.exit(1));
}, Number(timeoutMs));
