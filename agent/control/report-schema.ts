/**
 * Schemas of what the agent reports, for readers on the other side of the socket. Fields that are not known here are
 * left out, so that an older CLI can talk to a newer agent.
 */
import * as v from 'valibot';
import type { LinkReport, MemberReport, PingReport, StatusReport } from '../ports/agent-control.ts';
import type { Schema } from './schema-check.ts';

const nullableText = v.nullable(v.string());
const nullableNumber = v.nullable(v.number());
const traffic = v.object({ frames: v.number(), bytes: v.number() });

export const linkReport: Schema<LinkReport> = v.object({
  peer: v.string(),
  name: v.string(),
  ip4: v.string(),
  ip6: v.string(),
  state: v.picklist(['connecting', 'up', 'closing', 'failed']),
  path: v.nullable(v.picklist(['fast', 'slow'])),
  candidates: v.nullable(v.object({ local: v.string(), remote: v.string() })),
  endpoint: nullableText,
  cipher: nullableText,
  generation: nullableNumber,
  rttMs: nullableNumber,
  setupMs: nullableNumber,
  repeatedAttempts: v.number(),
  ageMs: v.number(),
  sent: traffic,
  received: traffic,
  problem: nullableText,
});

export const linkList: Schema<{ links: LinkReport[] }> = v.object({
  links: v.array(linkReport),
});

const configReport = v.object({
  serial: v.number(),
  state: v.string(),
  committedAt: nullableNumber,
  refused: v.nullable(v.object({ serial: nullableNumber, reason: v.string(), problem: v.string() })),
});

const datapathReport = v.object({
  tap: v.string(),
  mtuBytes: v.number(),
  udpPort: v.number(),
  fromTap: traffic,
  toTap: traffic,
  drops: v.record(v.string(), v.number()),
});

export const statusReport: Schema<StatusReport> = v.object({
  version: v.string(),
  phase: v.picklist(['unclaimed', 'enrolling', 'provisioned']),
  problem: nullableText,
  uptimeMs: v.number(),
  node: v.object({
    id: v.string(),
    name: nullableText,
    fleet: nullableText,
    ip4: nullableText,
    ip6: nullableText,
    mac: v.string(),
  }),
  broker: v.object({ url: nullableText, connected: v.boolean(), problem: nullableText }),
  config: v.nullable(configReport),
  clock: v.object({ synchronised: v.boolean(), floor: v.number(), freshAgeMs: nullableNumber }),
  datapath: v.nullable(datapathReport),
  links: v.array(linkReport),
  sensors: v.object({
    count: v.number(),
    stale: v.number(),
    actuators: v.number(),
    followers: v.number(),
    listening: v.array(v.string()),
  }),
  socket: v.string(),
});

export const pingReport: Schema<PingReport> = v.object({
  peer: v.string(),
  name: v.string(),
  path: v.picklist(['fast', 'slow']),
  rttMs: v.number(),
});

export const memberReport: Schema<MemberReport> = v.object({
  id: v.string(),
  name: v.string(),
  ip4: v.string(),
  ip6: v.string(),
  tags: v.array(v.string()),
  self: v.boolean(),
  sensors: v.pipe(v.string(), v.url()),
});

export const memberList: Schema<{ members: MemberReport[] }> = v.object({ members: v.array(memberReport) });

/** Body of every answer that is not a success. */
export const failureReport = v.object({ error: v.string(), reason: v.string() });
