import { beforeEach, describe, expect, it } from 'vitest';
import type { OverlayNode } from '../../../agent/compose-node.ts';
import { NodeRunner } from '../../../agent/compose-runner.ts';
import { EnvironmentFault } from '../../../agent/errors.ts';
import type { Membership } from '../../../agent/ports/member-directory.ts';
import type { BusState, MessageBus } from '../../../agent/ports/message-bus.ts';
import type { DeviceConfig } from '../../../provisioning/documents/device-config.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';
import { RecordingLog } from '../../fakes/recording-log.ts';

const own = { ip4: '10.64.0.2', ip6: 'fd00::2', certificate: new Uint8Array([1]) } as unknown as Membership;

function configOf(serial: number, intervalMs = 5_000, read: string[] = []): DeviceConfig {
  const parts = {
    device: { name: 'greenhouse' },
    network: {},
    links: {},
    sensors: { intervalMs },
    policy: { read },
  };
  return { serial, ...parts } as unknown as DeviceConfig;
}

class SwitchableBus {
  #listeners: Array<(state: BusState) => void> = [];
  connected = true;
  state = (): BusState => ({ connected: this.connected, problem: null, reason: null });
  onState = (listener: (state: BusState) => void): void => void this.#listeners.push(listener);
  connectNow(): void {
    this.connected = true;
    for (const listener of this.#listeners) listener(this.state());
  }
}

let clock: ManualClock;
let bus: SwitchableBus;
let runner: NodeRunner;
let happened: string[];
let policies: unknown[];
let failures: number;
let deviceGone: (problem: string) => void;
const never = new AbortController().signal;
const apply = (config: DeviceConfig, reason: 'boot' | 'trial' | 'rollback') =>
  runner.apply(config, own, { reason, signal: never });

beforeEach(() => {
  clock = new ManualClock();
  bus = new SwitchableBus();
  happened = [];
  policies = [];
  failures = 0;
  runner = new NodeRunner({
    bus: bus as unknown as MessageBus,
    clock,
    log: new RecordingLog(),
    open: async (config, _own, onStopped) => {
      if (failures-- > 0) {
        happened.push('failed');
        throw new EnvironmentFault('port-in-use', 'UDP port 4000 is in use: choose another');
      }
      happened.push(`opened ${config.serial}`);
      deviceGone = onStopped;
      const close = async () => void happened.push(`closed ${config.serial}`);
      const setPolicy = ({ read }: DeviceConfig['policy']) => void policies.push(read);
      return { close, setPolicy, problem: () => null } as unknown as OverlayNode;
    },
  });
});

describe('a node', () => {
  it('is replaced when its config changes, never before the old one is closed', async () => {
    await apply(configOf(1), 'boot');
    await apply(configOf(2, 1_000), 'boot');
    expect(happened).toEqual(['opened 1', 'closed 1', 'opened 2']);
  });

  it('is left alone, with its links, when a new serial changes nothing of it', async () => {
    await apply(configOf(1), 'boot');
    expect(await apply(configOf(2), 'trial')).toEqual({ healthy: true });
    expect(happened).toEqual(['opened 1']);
  });

  it('keeps its links when the policy alone changes, and follows that', async () => {
    await apply(configOf(1), 'boot');
    expect(await apply(configOf(2, 5_000, ['dashboard']), 'trial')).toEqual({ healthy: true });
    expect(happened).toEqual(['opened 1']);
    expect(policies).toEqual([['dashboard']]);
  });

  it('has passed its trial only once the broker is connected', async () => {
    bus.connected = false;
    let passed = false;
    const trial = apply(configOf(1), 'trial').then(() => {
      passed = true;
    });
    await clock.advance(10_000);
    expect(passed).toBe(false);
    bus.connectNow();
    await trial;
    expect(passed).toBe(true);
  });

  it('that cannot start from disk tries again with growing pauses, and says why meanwhile', async () => {
    failures = 3;
    expect(await apply(configOf(1), 'boot')).toMatchObject({ healthy: false, reason: 'port-in-use' });
    expect(runner.problem).toContain('port 4000');
    await clock.advance(1_000 + 2_000);
    expect(happened).toEqual(['failed', 'failed', 'failed']);
    await clock.advance(4_000);
    expect(happened.at(-1)).toBe('opened 1');
    expect(runner.problem).toBeNull();
  });

  it('that fails its trial is not tried again: going back is the applier’s', async () => {
    failures = 1;
    expect(await apply(configOf(1), 'trial')).toMatchObject({ healthy: false });
    await clock.advance(120_000);
    expect(happened).toEqual(['failed']);
  });

  it('whose TAP is taken away comes back', async () => {
    await apply(configOf(1), 'boot');
    deviceGone('the TAP device is gone');
    await clock.settle();
    expect(runner.problem).toContain('TAP device is gone');
    await clock.advance(1_000);
    expect(happened).toEqual(['opened 1', 'closed 1', 'opened 1']);
    expect(runner.problem).toBeNull();
  });

  it('that was stopped stays stopped', async () => {
    failures = 1;
    await apply(configOf(1), 'boot');
    await runner.stop();
    await clock.advance(120_000);
    expect(happened).toEqual(['failed']);
    expect(clock.pending()).toBe(0);
  });
});
