/** What `tincan doctor` makes of an agent's report: each finding says what is so, and what to do where it should not be. */
import type { Reading } from '../../sensors/reading.ts';
import type { LinkReport, StatusReport } from '../ports/agent-control.ts';
import { withoutPassword } from './status-text.ts';
import { countText, durationText, pluralText } from './units.ts';

export interface Finding {
  about: string;
  /** `notice`: it works, and could be better. */
  state: 'ok' | 'notice' | 'wrong';
  says: string;
}

/** The registrar speaks every minute while it runs. */
const OWNER_SILENT_MS = 7 * 86_400_000;
/** Of the frames, lost for one reason. */
const MANY_DROPS = 0.01;
/** A new link needs some seconds, and a moment more for its fast path. */
const SETTLED_MS = 15_000;

const good = (about: string, says: string): Finding => ({ about, state: 'ok', says });
const notice = (about: string, says: string): Finding => ({ about, state: 'notice', says });
const wrong = (about: string, says: string): Finding => ({ about, state: 'wrong', says });

/** `readings`: this device's own; null where they were not to be had. */
export function findingsOf(status: StatusReport, readings: readonly Reading[] | null): Finding[] {
  return [
    good('agent', `version ${status.version}, up ${durationText(status.uptimeMs)}`),
    membership(status),
    ...(status.problem === null ? [] : [wrong('agent', status.problem)]),
    broker(status),
    config(status),
    clock(status),
    network(status),
    ...drops(status),
    ...links(status.links),
    ...sensors(status, readings),
  ];
}

function membership({ phase, node }: StatusReport): Finding {
  if (phase === 'provisioned') {
    return good('member', `${node.name ?? node.id} of fleet ${node.fleet}, ${node.ip4}, ${node.ip6}`);
  }
  if (phase === 'unclaimed') {
    return wrong(
      'member',
      'of no fleet: make a claim with "tincan fleet add", and give it with --claim FILE',
    );
  }
  return wrong(
    'member',
    `not admitted yet: "tincan fleet serve" must run on the owner's machine, at the same broker`,
  );
}

function broker({ broker: { url, connected, problem } }: StatusReport): Finding {
  if (url === null) return notice('broker', 'none is known before there is a claim');
  const shown = withoutPassword(url);
  if (connected) return good('broker', `connected to ${shown}`);
  return wrong(
    'broker',
    `${shown} is not reached (${problem ?? 'no reason was given'}): links that are up go on, new ones need it`,
  );
}

function config({ config: is }: StatusReport): Finding {
  if (!is) return notice('config', 'none yet');
  if (is.refused) {
    return wrong(
      'config',
      `serial ${is.serial} is in force; ${is.refused.serial ?? 'another one'} was refused: ${is.refused.problem}`,
    );
  }
  return good('config', `serial ${is.serial}, ${is.state}`);
}

function clock({ clock: { synchronised, freshAgeMs }, broker: { connected } }: StatusReport): Finding {
  if (freshAgeMs !== null && connected && freshAgeMs > OWNER_SILENT_MS) {
    return notice(
      'clock',
      `nothing was heard of the owner for ${durationText(freshAgeMs)}: run "tincan fleet serve" now and then`,
    );
  }
  if (!synchronised) return notice('clock', 'not set; readings have their age and no time until NTP answers');
  return good('clock', 'set');
}

function network({ datapath, phase }: StatusReport): Finding {
  if (!datapath) {
    const says = 'there is no TAP device: the log says why ("journalctl -u tincan")';
    return phase === 'provisioned'
      ? wrong('network', says)
      : notice('network', 'its device comes with the config');
  }
  return good('network', `${datapath.tap}, MTU ${datapath.mtuBytes}, UDP port ${datapath.udpPort}`);
}

function drops({ datapath }: StatusReport): Finding[] {
  if (!datapath) return [];
  const frames = datapath.fromTap.frames + datapath.toTap.frames;
  return Object.entries(datapath.drops)
    .filter(([, count]) => count > frames * MANY_DROPS && count > 100)
    .map(([reason, count]) =>
      notice('drops', `${countText(count)} beside ${countText(frames)} frames that passed: ${reason}`),
    );
}

function links(reports: readonly LinkReport[]): Finding[] {
  const up = reports.filter(({ state }) => state === 'up');
  const slow = up.filter(({ path, ageMs }) => path === 'slow' && ageMs > SETTLED_MS);
  const failed = reports.filter(({ state, problem }) => state === 'failed' || (state !== 'up' && problem));
  return [
    good(
      'links',
      up.length === 0 ? 'none now; traffic to a member makes one' : `${pluralText(up.length, 'link')} up`,
    ),
    ...slow.map(({ name, candidates }) =>
      notice(
        'links',
        candidates?.local === 'relay' || candidates?.remote === 'relay'
          ? `${name} is reached through a TURN server: both sides are behind NATs that let nothing else through`
          : `${name} is reached by the slow path: UDP between the two is blocked, or each is behind a NAT and no STUN server is known`,
      ),
    ),
    ...failed.map(({ name, problem }) => wrong('links', `${name}: ${problem ?? 'its link failed'}`)),
  ];
}

function sensors(
  { sensors: { count, listening } }: StatusReport,
  readings: readonly Reading[] | null,
): Finding[] {
  if (listening.length === 0) return [notice('sensors', 'none are served')];
  if (!readings) return [wrong('sensors', `${listening[0]} does not answer on this machine itself`)];
  const ill = readings.filter(({ quality }) => quality !== 'ok');
  const well = good('sensors', `${count - ill.length} of ${count} are well, at ${listening[0]}`);
  return [
    well,
    ...ill.map(({ id, quality, reason }) => notice('sensors', `${id} is ${quality}: ${reason ?? '?'}`)),
  ];
}
