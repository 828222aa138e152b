/**
 * Runs inside a host: follows `/events` with some clients, then asks for `/sensors` too, and prints one line of JSON.
 *   node sensor-load.mjs BASE_URL FOLLOWERS QUIET_MS LOAD_MS AT_ONCE
 */
import { Agent, get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

const [base, followers, quietMs, loadMs, atOnce] = process.argv.slice(2);
let events = 0;
let lost = 0;

for (let number = 0; number < Number(followers); number++) {
  get(new URL('/events', base), { agent: false }, (response) => {
    if (response.statusCode !== 200) lost++;
    response.on('data', (chunk) => {
      events += chunk.toString().split('\ndata: ').length - 1;
    });
    response.on('close', () => lost++);
  }).on('error', () => lost++);
}

const agent = new Agent({ keepAlive: true, maxSockets: Number(atOnce) });
const times = [];

function ask() {
  return new Promise((resolve, reject) => {
    const startedAt = performance.now();
    const request = get(new URL('/sensors', base), { agent }, (response) => {
      response.resume();
      if (response.statusCode !== 200) reject(new Error(`/sensors answered ${response.statusCode}`));
      response.on('end', () => {
        times.push(performance.now() - startedAt);
        resolve();
      });
    });
    request.on('error', reject);
  });
}

// The first events are the present readings.
await sleep(1000);
events = 0;
await sleep(Number(quietMs));
const eventsPerSecond = (events * 1000) / Number(quietMs);
console.error('quiet is over');
const endsAt = performance.now() + Number(loadMs);
const worker = async () => {
  while (performance.now() < endsAt) await ask();
};
const startedAt = performance.now();
await Promise.all(Array.from({ length: Number(atOnce) }, worker));
const seconds = (performance.now() - startedAt) / 1000;
times.sort((one, other) => one - other);
const at = (share) => times[Math.ceil(share * times.length) - 1];
console.log(
  JSON.stringify({
    eventsPerSecond,
    lost,
    requestsPerSecond: times.length / seconds,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
  }),
);
process.exit(0);
