/** `--keep`: how a person, or another program, uses the hosts while they stand. */
import type { Lab } from '../lab/lab.ts';
import type { DemoHost } from './demo-report.ts';
import type { MemberHost } from './member-host.ts';

export function hostsOf(lab: Lab, members: readonly MemberHost[]): DemoHost[] {
  return members.map(({ host, identity, agent, socket }) => ({
    name: host.name,
    ip4: identity.ip4,
    ip6: identity.ip6,
    enter:
      lab.mode === 'root'
        ? ['ip', 'netns', 'exec', host.namespace]
        : ['nsenter', '-t', String(agent.pid), '-U', '-n', '--preserve-credentials'],
    socket,
    underlay: host.address,
  }));
}

/** Commands to copy, one a line. */
export function keepText(hosts: readonly DemoHost[]): string {
  const [laptop, ...devices] = hosts;
  if (!laptop) return '';
  const enter = laptop.enter.join(' ');
  return [
    '',
    'The hosts stand until Ctrl-C. From another terminal, as the same user:',
    ...devices.map(({ name, ip4 }) => `  ${enter} curl http://${ip4}/sensors    # ${name}, from the laptop`),
    ...devices.map(({ ip6 }) => `  ${enter} curl 'http://[${ip6}]/sensors'`),
    ...hosts.map((host) => `  ${host.enter.join(' ')} sh    # a shell on ${host.name} (${host.ip4})`),
    'Control sockets (they can be used from anywhere on this machine):',
    ...hosts.map(({ socket }) => `  node dist/tincan.js status --socket ${socket}`),
    `  node dist/tincan.js links --socket ${laptop.socket}`,
    `  curl --unix-socket ${laptop.socket} http://tincan/v1/status`,
    '',
  ].join('\n');
}
