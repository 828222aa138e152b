/** The readings on the /sensors pages that were fetched over the overlay. */

import { EnvironmentFault } from '../../agent/errors.ts';
import type { Reading } from '../../sensors/reading.ts';
import type { DemoSensor } from './demo-report.ts';
import type { FetchedPage } from './member-host.ts';

/** A device's readings from its newest page. Throws EnvironmentFault when the page is not what it should be. */
export function sensorsOf(device: string, pages: readonly FetchedPage[]): DemoSensor[] {
  const page = pages.findLast(({ to }) => to === device);
  if (!page) return [];
  const { sensors } = JSON.parse(page.body) as { sensors?: Reading[] };
  if (!Array.isArray(sensors)) {
    throw new EnvironmentFault('bad-page', `${page.url} has no list of sensors: ${page.body.slice(0, 200)}`);
  }
  return sensors.map(({ id, value, unit }) => ({ device, id, value, unit }));
}
