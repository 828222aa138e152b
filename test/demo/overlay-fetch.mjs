/**
 * Runs inside a host: asks for a URL until it answers 200, and prints one line of JSON with the answer.
 *   node overlay-fetch.mjs URL TIMEOUT_MS
 * A new attempt starts every few milliseconds, whatever the older ones do: a lost SYN costs an attempt a second, and
 * must not cost the measurement one.
 */
import { get } from 'node:http';

const ATTEMPT_EVERY_MS = 25;
/** Connections at once; the device's HTTP server has to serve them beside its real work. */
const MAX_ATTEMPTS_AT_ONCE = 40;

const [url = '', timeoutMs = ''] = process.argv.slice(2);
const startedAt = performance.now();
const open = new Set();
let attempts = 0;
let lastProblem = 'nothing came back';

function attempt() {
  if (open.size >= MAX_ATTEMPTS_AT_ONCE) return;
  attempts += 1;
  const request = get(url, { agent: false }, (response) => {
    const chunks = [];
    response.on('data', (chunk) => chunks.push(chunk));
    response.on('error', fail);
    response.on('end', () => finish(response.statusCode, Buffer.concat(chunks).toString('utf8')));
  });
  const fail = (error) => {
    lastProblem = error.message;
    open.delete(request);
  };
  request.on('error', fail).on('close', () => open.delete(request));
  open.add(request);
}

function finish(status, body) {
  if (status !== 200) {
    lastProblem = `it answered ${status}`;
    return;
  }
  // The wall clock is the one that the demo, another process, has too.
  const answer = { status, body, attempts, answeredAtMs: Date.now() };
  process.stdout.write(`${JSON.stringify(answer)}\n`, () => process.exit(0));
}

attempt();
setInterval(attempt, ATTEMPT_EVERY_MS);
setTimeout(() => {
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  process.stderr.write(
    `${url} did not answer within ${seconds} s (${attempts} attempts; last: ${lastProblem}).\n`,
    () => process.exit(1),
  );
}, Number(timeoutMs));
