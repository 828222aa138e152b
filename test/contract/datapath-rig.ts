/** What the datapath's contract suite needs of each implementation. */
import type { Datapath, DatapathEvent, Endpoint } from '../../agent/ports/datapath.ts';

/** A datapath with both of its ends in the test's hands. */
export interface RiggedDatapath {
  datapath: Datapath;
  /** What the controller was told, in order. */
  events: DatapathEvent[];
  /** Where the other datapath reaches it. */
  endpoint: Endpoint;
  /** The kernel sends a frame out of the TAP. */
  fromKernel(frame: Uint8Array): void;
  /** Frames that the datapath wrote into the TAP. */
  toKernel: Uint8Array[];
  close(): Promise<void>;
}

export const NODES = {
  a: { mac: '02:00:00:00:00:0a', ip4: '10.64.0.1', ip6: 'fd0a::1' },
  b: { mac: '02:00:00:00:00:0b', ip4: '10.65.0.1', ip6: 'fd0b::1' },
} as const;
export const MTU_BYTES = 1280;
