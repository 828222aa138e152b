/**
 * One node of datapath-traffic.test.ts, in a network namespace of its own: opens the addon, and echoes UDP and TCP on
 * its overlay addresses. Commands and answers are lines of JSON on standard input and output.
 */
import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';

const answer = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
const key = (byte) => new Uint8Array(32).fill(byte);
let datapath;

const commands = {
  open({ addon, underlay, options, neighbours }) {
    execFileSync('ip', ['address', 'add', `${underlay.address}/24`, 'dev', underlay.device]);
    execFileSync('ip', ['link', 'set', underlay.device, 'up']);
    const { Datapath } = createRequire(import.meta.url)(addon);
    datapath = new Datapath(options, () => {});
    for (const { address, mac } of neighbours) {
      execFileSync('ip', [
        'neighbour',
        'add',
        address,
        'lladdr',
        mac,
        'dev',
        options.tapName,
        'nud',
        'permanent',
      ]);
    }
    const echo = createServer((socket) => socket.pipe(socket));
    const udp = createSocket('udp6', (message, from) => udp.send(message, from.port, from.address));
    udp.bind(7, () => echo.listen(7, () => answer({ udpPort: datapath.udpPort })));
  },
  link({ peer, session, path }) {
    datapath.setPeer(peer);
    datapath.addSession(peer.slot, {
      ...session,
      receiveKey: key(session.receiveKey),
      sendKey: key(session.sendKey),
    });
    datapath.setPath(peer.slot, path);
    answer({});
  },
  stats() {
    answer(datapath.stats());
  },
};

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const { command, ...rest } = JSON.parse(line);
    commands[command](rest);
  })
  .on('close', () => process.exit(0));
answer({ started: true });
