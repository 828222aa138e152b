/**
 * Every early exit of a frame or packet, by name: the closed list that `tincan status` shows. The datapath's part (C)
 * stands in agent/native/drop_reason.h in the same order; test/architecture/drop-reasons.test.ts compares them.
 */
export const DATAPATH_DROP_REASONS = [
  'frame-too-short',
  'frame-too-long',
  'frame-not-segmentable',
  'frame-not-summable',
  'tap-write-failed',
  'event-ring-full',
  'no-path',
  'send-failed',
  'socket-overflow',
  'packet-too-short',
  'packet-unknown-type',
  'packet-unknown-index',
  'packet-not-authentic',
  'packet-replayed',
  'counter-exhausted',
  'source-mac-mismatch',
  'source-ip-mismatch',
  'not-for-this-node',
  'stun-limit',
  'echo-limit',
  'forgery-limit',
] as const;

/** Exits that the controller takes itself. */
export const CONTROLLER_DROP_REASONS = [
  'not-a-member',
  'queue-full',
  'queue-expired',
  'flood-limit',
  'flood-filtered',
  'slow-path-full',
  'slow-path-closed',
  'link-failed',
  'link-refused',
  'path-mtu-exceeded',
] as const;

export type DropReason = (typeof DATAPATH_DROP_REASONS)[number] | (typeof CONTROLLER_DROP_REASONS)[number];
