/** Which devices a command is about: those that the user named, else every member that the local agent knows of. */
import { memberList, memberReport } from '../control/report-schema.ts';
import type { MemberReport } from '../ports/agent-control.ts';
import { askAgent } from './control-client.ts';

/** The agent asks the broker in turn. */
const LOOK_UP_MS = 5000;

/** In the order in which they were named, or by name. Throws as `askAgent` does; Refusal for a name that is no member's. */
export async function membersNamed(
  socketPath: string,
  targets: readonly string[],
  signal: AbortSignal,
): Promise<MemberReport[]> {
  if (targets.length === 0) {
    const path = '/v1/members';
    const { members } = await askAgent(socketPath, {
      method: 'GET',
      path,
      answer: memberList,
      workMs: LOOK_UP_MS,
      signal,
    });
    return members;
  }
  const named = await Promise.all(
    [...new Set(targets)].map((target) =>
      askAgent(socketPath, {
        method: 'GET',
        path: `/v1/members/${encodeURIComponent(target)}`,
        answer: memberReport,
        workMs: LOOK_UP_MS,
        signal,
      }),
    ),
  );
  return [...new Map(named.map((member) => [member.id, member])).values()];
}
