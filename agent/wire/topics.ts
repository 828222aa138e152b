/** Every MQTT topic name, and the broker ACL that matches them. Nothing else in Tincan spells a topic. */

/** The topics of one fleet. Names in angle brackets: fleet and node ids as in wire/node-address.ts. */
export function topicsOf(fleetId: string) {
  const base = `tincan/${fleetId}`;
  return {
    /** Retained: version n of the root document (DSSE). */
    root: (version: number) => `${base}/root/${version}`,
    /** Retained: signed list of revoked nodes. */
    revoked: `${base}/revoked`,
    /** Retained: signed statement of time and of the newest root version. */
    fresh: `${base}/fresh`,
    /** Retained: a node's membership certificate, by node id, by address and by name. */
    member: (nodeId: string) => `${base}/m/${nodeId}`,
    /** `:` is allowed in topics; the address is in the form that the certificate has. */
    address: (ip: string) => `${base}/ip/${ip}`,
    name: (name: string) => `${base}/name/${name}`,
    /** Retained: the device's signed config. */
    config: (nodeId: string) => `${base}/d/${nodeId}/config`,
    /** What became of a config: {serial, outcome, reason}, signed by the device. */
    ack: (nodeId: string) => `${base}/d/${nodeId}/ack`,
    /** Retained: presence, also the last will. */
    status: (nodeId: string) => `${base}/d/${nodeId}/status`,
    /** Sealed signals (offer, answer, candidate, bye) for a node. */
    signals: (nodeId: string) => `${base}/s/${nodeId}`,
    enrolHello: (claimId: string) => `${base}/enroll/${claimId}/hello`,
    enrolReply: (claimId: string) => `${base}/enroll/${claimId}/reply`,
    /** Filters of the registrar. */
    everyHello: `${base}/enroll/+/hello`,
    everyAck: `${base}/d/+/ack`,
    everyStatus: `${base}/d/+/status`,
    /** Filter of a device that asks who there is. */
    everyMember: `${base}/m/+`,
  };
}

export type Topics = ReturnType<typeof topicsOf>;

/** The id that stands at the `+` of one of the filters above; null when the topic has another shape. */
export function wildcardOf(filter: string, topic: string): string | null {
  const wanted = filter.split('/');
  const parts = topic.split('/');
  if (wanted.length !== parts.length) return null;
  let found: string | null = null;
  for (const [index, part] of wanted.entries()) {
    if (part === '+') found = parts[index] ?? null;
    else if (part !== parts[index]) return null;
  }
  return found;
}

/**
 * A Mosquitto ACL file for this fleet: one user for the registrar, one shared by the devices. It limits what a
 * stolen device password can spoil (availability); authenticity never rests on it.
 */
export function mosquittoAcl(fleetId: string, registrarUser: string, deviceUser: string): string {
  const base = `tincan/${fleetId}`;
  const device = [
    `topic read ${base}/root/+`,
    `topic read ${base}/revoked`,
    `topic read ${base}/fresh`,
    `topic read ${base}/m/+`,
    `topic read ${base}/ip/+`,
    `topic read ${base}/name/+`,
    `topic read ${base}/d/+/config`,
    `topic write ${base}/d/+/ack`,
    `topic write ${base}/d/+/status`,
    `topic readwrite ${base}/s/+`,
    `topic write ${base}/enroll/+/hello`,
    `topic read ${base}/enroll/+/reply`,
  ];
  return [`user ${registrarUser}`, `topic readwrite ${base}/#`, '', `user ${deviceUser}`, ...device, ''].join(
    '\n',
  );
}
