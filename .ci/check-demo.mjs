/** Checks the JSON that `npm run demo -- --json` printed into the file given; ends with `N passed, N failed, N skipped`. */
import { readFileSync } from 'node:fs';
import { isIPv4, isIPv6 } from 'node:net';

const isText = (value) => typeof value === 'string' && value !== '';
const isPositive = (value) => Number.isFinite(value) && value > 0;
const isListOf = (list, least, check) => Array.isArray(list) && list.length >= least && list.every(check);

const CHECKS = {
  'ok is true': ({ ok }) => ok === true,
  'claimToReachableMs is a positive number': (demo) => isPositive(demo.claimToReachableMs),
  'linkUpMs is a positive number': (demo) => isPositive(demo.linkUpMs),
  'devices are two, with name, node id and both addresses': ({ devices }) =>
    isListOf(
      devices,
      2,
      ({ name, nodeId, ip4, ip6 }) => isText(name) && isText(nodeId) && isIPv4(ip4) && isIPv6(ip6),
    ),
  'links are up, with path, candidate types and round-trip time': ({ links }) =>
    isListOf(
      links,
      3,
      ({ from, to, state, path, candidates, rttMs }) =>
        isText(from) &&
        isText(to) &&
        state === 'up' &&
        ['fast', 'slow'].includes(path) &&
        isText(candidates?.local) &&
        isText(candidates?.remote) &&
        isPositive(rttMs),
    ),
  'sensors have names and values, and numbers have units': ({ sensors }) =>
    isListOf(
      sensors,
      1,
      ({ device, id, value, unit }) =>
        isText(device) && isText(id) && (Number.isFinite(value) ? isText(unit) : isText(value)),
    ),
  'both devices have a sensor with a number': ({ devices, sensors }) =>
    devices.every(({ name }) =>
      sensors.some(({ device, value }) => device === name && Number.isFinite(value)),
    ),
};

function readDemo(file) {
  // npm prints the script's name and command first; the object is the last line.
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  return JSON.parse(lines.at(-1) ?? '');
}

function holds(check, demo) {
  try {
    return check(demo);
  } catch {
    // A field that is not there at all.
    return false;
  }
}

function main() {
  let demo = {};
  try {
    demo = readDemo(process.argv[2]);
  } catch (error) {
    console.log(`the demo's last line is no JSON object: ${error.message}`);
  }
  const results = Object.entries(CHECKS).map(([name, check]) => ({ name, fine: holds(check, demo) }));
  for (const { name, fine } of results) console.log(`${fine ? 'ok' : 'FAILED'}: ${name}`);
  const failed = results.filter(({ fine }) => !fine).length;
  if (failed > 0) console.log(JSON.stringify(demo));
  console.log(`${results.length - failed} passed, ${failed} failed, 0 skipped`);
  return failed === 0 ? 0 : 1;
}

process.exitCode = main();
