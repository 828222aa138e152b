/** What every fault test begins and ends with. */
import { impairmentProblem } from '../../lab/impairment.ts';
import { defaultLabMode, labProblem } from '../../lab/prerequisites.ts';
import { FleetUnderTest } from './fleet-under-test.ts';

/** Traffic flows again this soon after the path's return. */
export const RESUME_MS = 3_000;

/** Megabits a second of TCP in each direction: enough that much is under way when a fault strikes, in labs side by side. */
export const PACED = 40;
/** As fast as it goes. */
export const FULL_RATE = 0;

/** Why no fault can be made here, or null. */
export function faultProblem(): string | null {
  return labProblem(defaultLabMode()) ?? impairmentProblem();
}

/** Gives the test a fleet of its own and takes it away again, whatever happens. */
export async function withFleet(test: (fleet: FleetUnderTest) => Promise<void>): Promise<void> {
  const fleet = await FleetUnderTest.make();
  try {
    await test(fleet);
  } finally {
    await fleet.close();
  }
}

/** Prints a scenario's figures: they are what a reader of the test's output is after. */
export function tell(scenario: string, figures: object): void {
  const words = Object.entries(figures).map(([name, value]) => `${name} ${value}`);
  process.stdout.write(`  ${scenario}: ${words.join(', ')}\n`);
}
