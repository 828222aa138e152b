/**
 * Runs inside a host: the load that a fault is tested under. A TCP session in each direction, every byte checked against
 * where it must be, and ten pings a second over UDP. Two sessions, because in one with data both ways Linux takes the
 * first ACK after an outage, which comes with the peer's own data and an old time, for a round trip as long as that.
 *   node load.mjs serve ADDRESS
 *   node load.mjs drive ADDRESS MBIT_PER_S     (0: as fast as it goes)
 * Prints one JSON object a line: {"alive": {...}} four times a second, {"gap": {...}} after each silence of TCP,
 * {"ping": {...}} for each ping, {"pong": {...}} for each that came back, {"over": WHY} when the session ended, which no fault may cause.
 * Times are the wall clock's, which all hosts of a lab share.
 */
import { createSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';

const TCP_PORT = 7000;
const UDP_PORT = 7001;
const SILENCE_MS = 100;
const REPORT_EVERY_MS = 250;
const PING_EVERY_MS = 100;
const PACE_MS = 10;
const HEAD_BYTES = 8;
/** A prime: no loss, repetition or exchange of whole segments leaves the content in place. */
const PERIOD_BYTES = 65_521;

const [role = '', address = '', rate = '0'] = process.argv.slice(2);
const content = makeContent();

function makeContent() {
  const period = Buffer.alloc(PERIOD_BYTES);
  let state = 1;
  for (let at = 0; at < PERIOD_BYTES; at++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    period[at] = state >>> 16;
  }
  return Buffer.concat([period, period, period]);
}

/** `bytes` of the content, from a position in the endless stream; at most two periods. */
function contentAt(position, bytes) {
  const start = position % PERIOD_BYTES;
  return content.subarray(start, start + bytes);
}

function say(object) {
  process.stdout.write(`${JSON.stringify(object)}\n`);
}

function over(why) {
  say({ over: why });
  process.exit(1);
}

function check(socket) {
  const seen = { bytes: 0, lastMs: Date.now() };
  socket.on('data', (chunk) => {
    for (let at = 0; at < chunk.length; at += PERIOD_BYTES) {
      const part = chunk.subarray(at, at + PERIOD_BYTES);
      if (!part.equals(contentAt(seen.bytes + at, part.length)))
        over(`wrong content near byte ${seen.bytes}`);
    }
    const nowMs = Date.now();
    if (nowMs - seen.lastMs >= SILENCE_MS) say({ gap: { fromMs: seen.lastMs, untilMs: nowMs } });
    seen.bytes += chunk.length;
    seen.lastMs = nowMs;
  });
  setInterval(() => say({ alive: seen }), REPORT_EVERY_MS);
}

function fill(socket, mbitPerS) {
  let sent = 0;
  const send = (bytes) => {
    const part = contentAt(sent, bytes);
    sent += part.length;
    return socket.write(part);
  };
  if (mbitPerS > 0) {
    const bytes = Math.round(mbitPerS * 125 * PACE_MS);
    setInterval(() => socket.writableNeedDrain || send(Math.min(bytes, PERIOD_BYTES)), PACE_MS);
    return;
  }
  const flood = () => {
    while (send(PERIOD_BYTES));
  };
  socket.on('drain', flood);
  flood();
}

function carry(socket, task) {
  socket.setNoDelay(true);
  socket.on('error', (error) => over(error.message));
  socket.on('close', () => over('closed'));
  if (task === 'check') check(socket);
  else fill(socket, Number(task));
}

function serve() {
  const echo = createSocket('udp4');
  echo.on('message', (message, from) => echo.send(message, from.port, from.address, () => undefined));
  echo.bind(UDP_PORT, address);
  createServer((socket) => {
    // The driver says first what is to be done: a rate in eight digits, or that it sends itself.
    socket.once('readable', () => {
      const head = String(socket.read(HEAD_BYTES));
      carry(socket, head.trim());
    });
  }).listen(TCP_PORT, address, () => say({ ready: true }));
}

function ping() {
  const socket = createSocket('udp4');
  const sentMs = new Map();
  let sequence = 0;
  socket.on('message', (message) => {
    const answered = message.readUInt32BE();
    const atMs = sentMs.get(answered);
    if (atMs !== undefined && sentMs.delete(answered)) {
      say({ pong: { sequence: answered, sentMs: atMs, rttMs: Date.now() - atMs } });
    }
  });
  socket.on('error', () => undefined);
  setInterval(() => {
    const message = Buffer.alloc(64);
    message.writeUInt32BE(++sequence);
    const nowMs = Date.now();
    sentMs.set(sequence, nowMs);
    say({ ping: { sequence, sentMs: nowMs } });
    // Where there is no route for a moment, the ping is a lost one.
    socket.send(message, UDP_PORT, address, () => undefined);
  }, PING_EVERY_MS);
}

function drive() {
  for (const [theirs, ours] of [
    ['check', rate],
    [rate, 'check'],
  ]) {
    const socket = connect(TCP_PORT, address, () => {
      socket.write(theirs.padStart(HEAD_BYTES));
      carry(socket, ours);
    });
    socket.on('error', (error) => over(error.message));
  }
  ping();
}

if (role === 'serve') serve();
else drive();
