/** Makes a fleet: keys, root document, address plan. `fleet.json` comes last, and with it the fleet exists. */
import * as v from 'valibot';
import { Refusal, UsageError } from '../../agent/errors.ts';
import type { FileStore } from '../../agent/ports/file-store.ts';
import { idOfPublicKey, ip6NetworkOfFleet } from '../../agent/wire/node-address.ts';
import { type BrokerAccess, BrokerAccessSchema } from '../documents/claim.ts';
import { iceServerField, LinkSettingsSchema } from '../documents/device-config.ts';
import { base64Of, ip4NetworkField, LABEL_PATTERN } from '../documents/document-fields.ts';
import { signRoot } from '../documents/root-document.ts';
import { createJson } from '../documents/stored-json.ts';
import { makeKey } from './fleet-keys.ts';
import { type Fleet, FleetSchema } from './fleet-records.ts';

const DEFAULT_NETWORK = '10.64.0.0/16';

export interface NewFleet {
  name: string;
  /** User and password may stand in it. */
  brokerUrl: string;
  /** Of the user in the URL; null where it stands there, or where there is none. */
  password: string | null;
  network: string;
  /** PEM. */
  ca: string | null;
  deviceLogin: { username: string; password: string } | null;
  iceServers: readonly string[];
}

/** Throws UsageError for wrong values, Refusal('fleet-exists') where the directory has a fleet already. */
export async function initFleet(store: FileStore, wanted: NewFleet, nowMs: number): Promise<Fleet> {
  const broker = brokerAccessOf(wanted.brokerUrl, wanted.password, wanted.ca);
  checkWanted(wanted);
  if (await store.read('fleet.json')) throw fleetExists();
  const [root, config, fresh] = [
    await makeKey(store, 'root'),
    await makeKey(store, 'config'),
    await makeKey(store, 'fresh'),
  ];
  const fleetId = idOfPublicKey(root.publicKey);
  const network = { ip4: wanted.network, ip6: ip6NetworkOfFleet(fleetId) };
  const role = (key: { publicKey: Uint8Array }) => ({ threshold: 1, keys: [base64Of(key.publicKey)] });
  const document = {
    fleetId,
    fleetName: wanted.name,
    version: 1,
    epoch: 1,
    issuedAt: nowMs,
    network,
    roles: { root: role(root), config: role(config), fresh: role(fresh) },
  };
  await store.write('root/1.json', signRoot(document, [root]), { mode: 0o600 });
  const fleet = {
    name: wanted.name,
    fleetId,
    createdAt: nowMs,
    broker,
    deviceLogin: wanted.deviceLogin,
    network,
    settings: { links: v.parse(LinkSettingsSchema, { iceServers: [...wanted.iceServers] }) },
  };
  if (!(await createJson(store, 'fleet.json', FleetSchema, fleet))) throw fleetExists();
  return v.parse(FleetSchema, fleet);
}

/** Takes user and password out of the URL. Throws UsageError when it is not a broker's URL. */
function brokerAccessOf(text: string, separate: string | null, ca: string | null): BrokerAccess {
  const url = URL.canParse(text) ? new URL(text) : null;
  const username = url?.username ?? '';
  const password = separate === null ? (url?.password ?? '') : encodeURIComponent(separate);
  const access = {
    url: url ? text.replace(/^(\w+:\/\/)[^/@]*@/, '$1') : text,
    ...(username ? { username: decodeURIComponent(username) } : {}),
    ...(password ? { password: decodeURIComponent(password) } : {}),
    ...(ca === null ? {} : { ca }),
  };
  const result = v.safeParse(BrokerAccessSchema, access);
  if (result.success && url) return result.output;
  const place = result.success ? 'url' : v.getDotPath(result.issues[0]);
  if (place === 'ca')
    throw new UsageError('the CA file holds no PEM certificate (-----BEGIN CERTIFICATE-----)');
  throw new UsageError(
    `"${text}" is not a broker URL; write mqtt://HOST:PORT, or mqtts://, ws://, wss://, with USER:PASSWORD@ before the host where it asks for them`,
  );
}

function checkWanted({ name, network, iceServers }: NewFleet): void {
  if (!LABEL_PATTERN.test(name)) throw new UsageError(labelSentence('fleet', name));
  if (!v.is(ip4NetworkField, network)) {
    throw new UsageError(
      `"${network}" is not an IPv4 network; write it as ${DEFAULT_NETWORK}, with zero host bits and /8 to /30`,
    );
  }
  const wrong = iceServers.find((server) => !v.is(iceServerField, server));
  if (wrong !== undefined) {
    throw new UsageError(
      `"${wrong}" is not an ICE server; write stun:HOST:PORT or turn:USER:PASSWORD@HOST:PORT`,
    );
  }
}

/** What a name must look like, in one sentence. */
export function labelSentence(what: string, name: string): string {
  return `"${name}" is not a ${what} name; use 1 to 63 of a-z, 0-9 and "-", with a letter or digit at both ends`;
}

function fleetExists(): Refusal {
  return new Refusal(
    'fleet-exists',
    'this directory holds a fleet already; choose another directory for a new one',
  );
}
