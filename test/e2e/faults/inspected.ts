/** What the tests do inside a running agent, through Node's inspector. */
import { repositoryPath } from '../../lab/repository.ts';
import type { Footprint, Member } from './member.ts';

/** Runs a program of this folder on the member's agent. */
export async function runOn(
  member: Member,
  program: string,
  timeoutMs: number,
  ...args: string[]
): Promise<void> {
  const script = repositoryPath(`test/e2e/faults/${program}`);
  const command = [process.execPath, '--experimental-websocket', script, String(member.agent.pid), ...args];
  const { code, stderr } = await member.host.run(command, { timeoutMs });
  if (code !== 0) throw new Error(stderr);
}

/** What the members hold when their garbage is collected. */
export async function tidyFootprints(...members: Member[]): Promise<Footprint[]> {
  for (const member of members) await runOn(member, 'collect-garbage.mjs', 60_000);
  return members.map((member) => member.footprint());
}
