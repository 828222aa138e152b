/** What a member of the fleet sees of a board: its sensors by virtual IP, IPv4 and IPv6, and by name. */
import { EnvironmentFault } from '../../agent/errors.ts';
import type { Reading } from '../../sensors/reading.ts';
import { askTincan } from '../demo/tincan-command.ts';
import { repositoryPath } from '../lab/repository.ts';
import type { ImageScene } from './image-scene.ts';

/** A board starts in half a minute under emulation, in several where the machine has other work. */
export const REACHABLE_MS = 900_000;
const ANSWER_MS = 120_000;

export async function readings(scene: ImageScene, name: string, address: string, timeoutMs = REACHABLE_MS) {
  const page = await scene.laptop.fetch(name, address, '/sensors', timeoutMs);
  return readingsIn(page.body, page.url);
}

/** The overlay's IPv6 address of a member that we have a link to. */
export async function overlayIp6(scene: ImageScene, name: string): Promise<string> {
  const links = await scene.laptop.links();
  const link = links.find((one) => one.name === name);
  if (link) return link.ip6;
  throw new EnvironmentFault('no-link', `the laptop has no link to ${name}`);
}

/** Asks for `<name>.local` by multicast DNS on the overlay, and reads the sensors at what answers. */
export async function readingsByName(scene: ImageScene, name: string) {
  const script = repositoryPath('test/image/mdns-fetch.mjs');
  const { ip4 } = scene.laptop.identity;
  const { code, stdout, stderr } = await scene.laptopHost.run(
    [process.execPath, script, `${name}.local`, ip4, '/sensors', String(ANSWER_MS)],
    { timeoutMs: ANSWER_MS + 10_000 },
  );
  if (code !== 0) throw new EnvironmentFault('no-answer', stderr.trim() || 'it was killed');
  const { body, address } = JSON.parse(stdout) as { body: string; address: string };
  return { readings: readingsIn(body, `http://${name}.local/sensors`), address };
}

/** Throws EnvironmentFault('no-sensor') where the board has no such sensor with a value. */
export function goodReading(sensors: readonly Reading[], id: string): Reading {
  const found = sensors.find((sensor) => sensor.id === id);
  if (found && found.value !== null && found.quality === 'ok') return found;
  const all = sensors.map((sensor) => `${sensor.id}=${sensor.value}`).join(', ');
  throw new EnvironmentFault('no-sensor', `there is no good reading of ${id} (${all})`);
}

/** Whether the registrar's view of the board agrees with the link that we have. */
export async function pathTo(scene: ImageScene, name: string): Promise<string> {
  const links = await askTincan<{ name: string; path: string | null }[]>(
    scene.laptopHost,
    'links',
    '--socket',
    scene.laptop.socket,
  );
  return links.find((link) => link.name === name)?.path ?? 'none';
}

function readingsIn(body: string, url: string): Reading[] {
  const { sensors } = JSON.parse(body) as { sensors?: Reading[] };
  if (Array.isArray(sensors) && sensors.length > 0) return sensors;
  throw new EnvironmentFault('bad-page', `${url} has no list of sensors: ${body.slice(0, 200)}`);
}
