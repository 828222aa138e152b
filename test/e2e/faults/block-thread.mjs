/**
 * Runs inside a host: keeps the JavaScript thread of a Node.js process there busy.
 *   node --experimental-websocket block-thread.mjs PID MILLISECONDS
 * Ends when the thread is free again.
 */
import { inspect } from './inspector.mjs';

const [pid = '', milliseconds = ''] = process.argv.slice(2);
const call = await inspect(Number(pid));
const expression = `{ const end = Date.now() + ${Number(milliseconds)}; while (Date.now() < end); }`;
const startedMs = Date.now();
process.stdout.write('blocking\n');
await call('Runtime.evaluate', { expression });
process.stdout.write(`${Date.now() - startedMs}\n`, () => process.exit(0));
