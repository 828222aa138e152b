/** What every service of a node is made of; each file beside this one turns it into one format. */
import type { ActuatorState } from '../actuator.ts';
import type { SensorHistory } from '../history.ts';
import type { Reading } from '../reading.ts';

/** What the services need of the sampler. */
export interface ReadingSource {
  readings(): Reading[];
  /** Null: there is no such sensor. */
  reading(id: string): Reading | null;
}

/** The node whose sensors these are. */
export interface ServedNode {
  id: string;
  name: string;
}

/** The actuators as one client sees them. */
export interface ShownActuators {
  states: readonly ActuatorState[];
  /** Whether this client may set them. */
  maySet: boolean;
}

export interface ServiceSource {
  source: ReadingSource;
  history: SensorHistory;
  node: ServedNode;
  /** Wall clock, Unix milliseconds; null while the board's clock is not set. */
  wallMs: () => number | null;
}

const SHOWN_CHARACTERS = 64;

/** A client's text as it is repeated to him: quoted, and never in full where it is long. */
export function shown(text: string): string {
  return JSON.stringify(text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text);
}
