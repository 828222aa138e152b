/** For programs that run inside a host: the inspector of a Node.js process there, which SIGUSR1 starts on its loopback. */
import { setTimeout as sleep } from 'node:timers/promises';

const TARGETS = 'http://127.0.0.1:9229/json/list';

async function target() {
  for (let tries = 0; tries < 50; tries++) {
    try {
      const [first] = await (await fetch(TARGETS)).json();
      return first.webSocketDebuggerUrl;
    } catch {
      await sleep(100);
    }
  }
  throw new Error('the inspector did not answer');
}

/** A function that calls a method of the inspector and resolves with its answer. Needs --experimental-websocket. */
export async function inspect(pid) {
  process.kill(pid, 'SIGUSR1');
  const socket = new WebSocket(await target());
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = () => reject(new Error('the inspector refused'));
  });
  return (method, params = {}) =>
    new Promise((resolve) => {
      socket.onmessage = resolve;
      socket.send(JSON.stringify({ id: 1, method, params }));
    });
}
