/**
 * Runs inside a host: keeps the JavaScript thread of a Node.js process there busy, through the inspector that SIGUSR1
 * starts on the host's own loopback.
 *   node --experimental-websocket block-thread.mjs PID MILLISECONDS
 * Ends when the thread is free again.
 */
import { setTimeout as sleep } from 'node:timers/promises';

const [pid = '', milliseconds = ''] = process.argv.slice(2);
const INSPECTOR = 'http://127.0.0.1:9229/json/list';

async function target() {
  for (let tries = 0; tries < 50; tries++) {
    try {
      const [first] = await (await fetch(INSPECTOR)).json();
      return first.webSocketDebuggerUrl;
    } catch {
      await sleep(100);
    }
  }
  throw new Error('the inspector did not answer');
}

process.kill(Number(pid), 'SIGUSR1');
const socket = new WebSocket(await target());
await new Promise((resolve, reject) => {
  socket.onopen = resolve;
  socket.onerror = () => reject(new Error('the inspector refused'));
});
const expression = `{ const end = Date.now() + ${Number(milliseconds)}; while (Date.now() < end); }`;
const startedMs = Date.now();
process.stdout.write('blocking\n');
await new Promise((resolve) => {
  socket.onmessage = resolve;
  socket.send(JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression } }));
});
process.stdout.write(`${Date.now() - startedMs}\n`, () => process.exit(0));
