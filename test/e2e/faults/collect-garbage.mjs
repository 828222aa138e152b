/**
 * Runs inside a host: has a Node.js process there collect its garbage, so that what it then holds is what it needs.
 *   node --experimental-websocket collect-garbage.mjs PID
 */
import { inspect } from './inspector.mjs';

const call = await inspect(Number(process.argv[2]));
await call('HeapProfiler.collectGarbage');
process.exit(0);
