/** The status for people: first whether it is connected, in one sentence, then the facts, then the links. */
import type { DatapathReport, StatusReport } from '../ports/agent-control.ts';
import { linksText } from './links-text.ts';
import { factsText, harmless } from './terminal-text.ts';
import { bytesText, countText, durationText, pluralText, timeText } from './units.ts';

/** The whole page. */
export function statusText(status: StatusReport): string {
  return `${harmless(verdict(status))}\n\n${factsText(factsOf(status))}\n${linksText(status.links)}`;
}

/** The answer to "am I connected?". */
export function verdict(status: StatusReport): string {
  const up = status.links.filter((link) => link.state === 'up').length;
  const hindrance = hindranceOf(status);
  if (hindrance !== null && up === 0) return `Not connected: ${hindrance}`;
  const { node } = status;
  const who = `${node.name ?? node.id} is ${node.ip4 ?? 'without an address'} in fleet ${node.fleet ?? '?'}`;
  if (hindrance !== null) return `Partly connected: ${who}; ${pluralText(up, 'link')} up, but ${hindrance}`;
  if (up === 0) return `Connected: ${who}; no link is up now, traffic to a member opens one`;
  return `Connected: ${who}; ${pluralText(up, 'link')} up`;
}

function hindranceOf({ phase, problem, datapath, broker }: StatusReport): string | null {
  if (problem !== null) return problem;
  if (phase === 'unclaimed')
    return 'this device belongs to no fleet yet; give the agent a claim with --claim FILE';
  if (phase === 'enrolling') {
    return `this device still waits for the fleet's registrar to admit it${because(broker.problem)}`;
  }
  if (!datapath) return 'the network device is not up yet';
  return broker.connected ? null : `no new links can form without the broker${because(broker.problem)}`;
}

function because(problem: string | null): string {
  return problem === null ? '' : ` (${problem})`;
}

function factsOf(status: StatusReport): [string, string][] {
  const { node, config, datapath } = status;
  return [
    ['node', joined([node.name, node.ip4, node.ip6, node.mac])],
    ['node id', node.id],
    ['fleet', node.fleet ?? 'none yet'],
    ['agent', `version ${status.version}, ${status.phase}, up ${durationText(status.uptimeMs)}`],
    ['broker', brokerFact(status.broker)],
    ['config', configFact(config)],
    ...(config?.refused ? ([['refused', refusedFact(config.refused)]] as [string, string][]) : []),
    ['clock', clockFact(status.clock)],
    ...networkFacts(datapath),
    ['sensors', sensorsFact(status.sensors)],
    ['socket', status.socket],
  ];
}

function joined(parts: readonly (string | null)[]): string {
  return parts.filter((part) => part !== null).join('  ');
}

function brokerFact(broker: StatusReport['broker']): string {
  const url = broker.url === null ? 'none yet' : withoutPassword(broker.url);
  if (broker.connected) return `${url}, connected`;
  return `${url}, not connected${because(broker.problem)}`;
}

/** The page is what people paste into questions. */
export function withoutPassword(url: string): string {
  return url.replace(/\/\/[^/@]*@/, '//');
}

function configFact(config: StatusReport['config']): string {
  if (!config) return 'none yet';
  const when = config.committedAt === null ? '' : ` at ${timeText(config.committedAt)}`;
  return `serial ${config.serial}, ${config.state}${when}`;
}

function refusedFact(refused: NonNullable<NonNullable<StatusReport['config']>['refused']>): string {
  const which = refused.serial === null ? 'a config' : `config ${refused.serial}`;
  return `${which}: ${refused.problem} (${refused.reason})`;
}

function clockFact(clock: StatusReport['clock']): string {
  const set = clock.synchronised ? 'synchronised' : `not synchronised, not before ${timeText(clock.floor)}`;
  const fresh =
    clock.freshAgeMs === null
      ? 'nothing heard from the owner yet'
      : `owner heard ${durationText(clock.freshAgeMs)} ago`;
  return `${set}; ${fresh}`;
}

function networkFacts(datapath: DatapathReport | null): [string, string][] {
  if (!datapath) return [['network', 'no device yet']];
  const { fromTap, toTap } = datapath;
  const drops = Object.entries(datapath.drops).sort(([, one], [, other]) => other - one);
  return [
    ['network', `${datapath.tap}, MTU ${datapath.mtuBytes}, UDP port ${datapath.udpPort}`],
    [
      'traffic',
      `sent ${bytesText(fromTap.bytes)} in ${pluralText(fromTap.frames, 'frame')}, received ${bytesText(toTap.bytes)} in ${pluralText(toTap.frames, 'frame')}`,
    ],
    ['drops', drops.map(([reason, count]) => `${reason} ${countText(count)}`).join(', ') || 'none'],
  ];
}

function sensorsFact({ count, stale, actuators, followers, listening }: StatusReport['sensors']): string {
  if (count === 0 && actuators === 0) return 'none';
  return [
    `${countText(count)}${stale === 0 ? '' : `, ${countText(stale)} stale`}`,
    ...(actuators === 0 ? [] : [pluralText(actuators, 'actuator')]),
    ...(followers === 0 ? [] : [`followed by ${pluralText(followers, 'client')}`]),
    listening.length === 0 ? 'not served' : `at ${listening.join(' ')}`,
  ].join('; ');
}
