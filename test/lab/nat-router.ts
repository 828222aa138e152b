/**
 * A home router with a NAT: `eth0` on the lab's LAN, which stands for the Internet, and a switch `br0` of its own inside.
 *   cone       one outside port for an inside one, whoever it talks to; lets in only whom it has talked to
 *   symmetric  another outside port for every one it talks to
 */
import { EnvironmentFault } from '../../agent/errors.ts';
import type { Lab } from './lab.ts';
import type { LabHost } from './lab-host.ts';

export type NatKind = 'cone' | 'symmetric';

const FIRST_HOST = 11;
const MASQUERADE: Readonly<Record<NatKind, string>> = {
  cone: 'masquerade',
  symmetric: 'masquerade random,fully-random',
};

export class NatRouter {
  readonly #lab: Lab;
  readonly #host: LabHost;
  readonly #prefix: string;
  readonly #names: string[] = [];

  /** `insidePrefix`: of the network behind it, like `10.1.0.`. */
  static async make(lab: Lab, name: string, kind: NatKind, insidePrefix: string): Promise<NatRouter> {
    const router = new NatRouter(lab, await lab.addHost(name), insidePrefix);
    await router.#start(kind);
    return router;
  }

  private constructor(lab: Lab, host: LabHost, insidePrefix: string) {
    this.#lab = lab;
    this.#host = host;
    this.#prefix = insidePrefix;
  }

  /** Its address on the Internet. */
  get address(): string {
    return this.#host.address;
  }

  async addHost(name: string): Promise<LabHost> {
    const host = await this.#lab.addHostAt(
      name,
      `${this.#prefix}${FIRST_HOST + this.#names.length}`,
      this.#host,
    );
    this.#names.push(name);
    await run(host, 'ip', 'route', 'add', 'default', 'via', `${this.#prefix}1`);
    return host;
  }

  /**
   * Hosts behind it no longer reach each other on the switch, as guests of a Wi-Fi do not: only by the router's address
   * on the Internet, and the port that the other one has there (of a cone, which keeps ports).
   */
  async hairpin(): Promise<void> {
    const router = this.#host;
    for (const name of this.#names) await run(router, 'bridge', 'link', 'set', 'dev', name, 'isolated', 'on');
    // Else the switch itself, and not the router, would put on the way what is turned round.
    const filter = '/proc/sys/net/bridge/bridge-nf-call-iptables';
    await run(router, 'sh', '-c', `test ! -e ${filter} || echo 0 > ${filter}`);
    const rules = [
      'add map ip nat inside { type inet_service : ipv4_addr; flags dynamic; }',
      'insert rule ip nat out oifname "eth0" meta l4proto udp update @inside { udp sport : ip saddr }',
      'add chain ip nat in { type nat hook prerouting priority -100; }',
      `add rule ip nat in iifname "br0" ip daddr ${router.address} dnat to udp dport map @inside`,
      `add rule ip nat out iifname "br0" oifname "br0" snat to ${router.address}`,
    ];
    await run(router, 'nft', rules.join('; '));
  }

  async #start(kind: NatKind): Promise<void> {
    const router = this.#host;
    await run(router, 'ip', 'link', 'add', 'br0', 'up', 'type', 'bridge', 'mcast_snooping', '0');
    await run(router, 'ip', 'address', 'add', `${this.#prefix}1/24`, 'dev', 'br0');
    await run(router, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward');
    const fresh = 'iifname "eth0" ct state new drop';
    const rules = [
      'add table ip nat',
      'add chain ip nat out { type nat hook postrouting priority 100; }',
      `add rule ip nat out oifname "eth0" ${MASQUERADE[kind]}`,
      // What nobody inside has asked for: neither passes nor leaves a trace that would cost a later mapping its port.
      ...['forward', 'input'].flatMap((hook) => [
        `add chain ip nat ${hook} { type filter hook ${hook} priority 0; }`,
        `add rule ip nat ${hook} ${fresh}`,
      ]),
    ];
    await run(router, 'nft', rules.join('; '));
  }
}

async function run(host: LabHost, ...command: string[]): Promise<void> {
  const { code, stderr } = await host.run(command);
  if (code !== 0) throw new EnvironmentFault('no-nat', `${command.join(' ')}: ${stderr}`);
}
