/**
 * Bytes received and sent per network interface since it came up. From /proc/net/dev rather than /sys/class/net: it
 * shows the agent's own network namespace, whichever namespace /sys was mounted in.
 */
import { EnvironmentFault } from '../../../agent/errors.ts';
import { decimal, kebab, readPresent } from '../../kernel-text.ts';
import type { DiscoveryContext, Sensor, SensorDriver } from '../../sensor.ts';

const PATH = '/proc/net/dev';
/** Column of the byte counter among the numbers of a line: 8 for received traffic come before those for sent. */
const DIRECTIONS = [
  { suffix: 'rx', words: 'bytes received', column: 0 },
  { suffix: 'tx', words: 'bytes sent', column: 8 },
];

export const networkDriver: SensorDriver = {
  kind: 'network',
  async discover(context) {
    const table = countersByInterface((await context.sysfs.read(PATH, context.signal)) ?? '');
    return [...table.keys()]
      .filter((name) => name !== 'lo')
      .flatMap((name) => DIRECTIONS.map((direction) => byteCounter(name, direction, context)));
  },
};

function byteCounter(
  interfaceName: string,
  { suffix, words, column }: (typeof DIRECTIONS)[number],
  { sysfs, intervalMs }: DiscoveryContext,
): Sensor {
  return {
    id: kebab('net', interfaceName, suffix, 'bytes'),
    name: `${interfaceName}, ${words}`,
    kind: 'network',
    unit: 'B',
    labels: { device: interfaceName },
    intervalMs,
    async read(signal) {
      const counters = countersByInterface(await readPresent(sysfs, PATH, signal)).get(interfaceName);
      if (counters) return decimal(counters[column], `${PATH} ${interfaceName}`);
      throw new EnvironmentFault('device-gone', `network interface ${interfaceName} is not there any more`, {
        retryable: true,
      });
    },
  };
}

/** Lines after the two of the heading: `  eth0: 299056197 9097 …`. A name holds no white space, but may hold colons. */
function countersByInterface(text: string): Map<string, string[]> {
  const lines = text.split('\n').flatMap((line) => {
    const match = /^\s*(\S+):\s*(\S.*)$/.exec(line);
    return match ? [[match[1] ?? '', (match[2] ?? '').trim().split(/\s+/)] as const] : [];
  });
  return new Map(lines);
}
