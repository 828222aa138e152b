/** How far a device has come, in the form that the status report wants. */
import type { ConfigRefusal } from '../../agent/ports/agent-control.ts';
import type { Membership } from '../../agent/ports/member-directory.ts';
import type { BusState } from '../../agent/ports/message-bus.ts';
import type { EnrolledDevice } from './enrolled-device.ts';
import type { TrustedTime } from './trusted-time.ts';

export interface ProvisioningState {
  phase: 'unclaimed' | 'enrolling' | 'provisioned';
  /** One sentence, or null when all is well. */
  problem: string | null;
  nodeId: string | null;
  fleetId: string | null;
  fleetName: string | null;
  /** The name in the claim, later in the config. */
  device: string | null;
  own: Membership | null;
  config: { serial: number; state: string; committedAt: number | null; refused: ConfigRefusal | null } | null;
  clock: { synchronised: boolean; floor: number; freshAgeMs: number | null };
}

/** What the state is made of. */
export interface ProvisioningFacts {
  fleet: { fleetId: string; fleetName: string; device: string } | null;
  device: EnrolledDevice | null;
  nodeId: string | null;
  /** Why there is no way into the fleet. */
  refusal: string | null;
  /** Why enrolment takes so long. */
  waiting: string | null;
  broker: BusState;
  time: TrustedTime;
}

export function stateOf(facts: ProvisioningFacts): ProvisioningState {
  const { fleet, device, nodeId, refusal, time } = facts;
  const applier = device?.applier ?? null;
  const active = applier?.active ?? null;
  return {
    phase: active ? 'provisioned' : fleet && !refusal ? 'enrolling' : 'unclaimed',
    problem: problemOf(facts),
    nodeId,
    fleetId: fleet?.fleetId ?? null,
    fleetName: fleet?.fleetName ?? null,
    device: active?.own.name ?? fleet?.device ?? null,
    own: active?.own ?? null,
    config: applier && {
      serial: active?.serial ?? 0,
      state: applier.phase,
      committedAt: applier.committedAt,
      refused: applier.refused,
    },
    clock: {
      synchronised: time.isWallClockRight(),
      floor: time.floorMs(),
      freshAgeMs: device?.watch.freshAgeMs() ?? null,
    },
  };
}

function problemOf({ device, refusal, waiting, broker }: ProvisioningFacts): string | null {
  if (refusal) return refusal;
  if (broker.reason === 'kicked') {
    return 'another device uses this identity: was the SD card cloned? make a new claim for one of them';
  }
  if (waiting || !device) return waiting;
  if (device.watch.lacksRevocations()) {
    return 'the broker keeps back the list of revoked devices: one of them may still be linked to this device';
  }
  return device.applier.problem ?? (device.applier.active ? null : 'admitted; waiting for the first config');
}
