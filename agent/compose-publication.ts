/** Publication of one node to Home Assistant's broker, where its config wants that. */
import type { DeviceConfig } from '../provisioning/documents/device-config.ts';
import type { AccessPolicy } from '../sensors/access.ts';
import type { ActuatorPanel } from '../sensors/actuator.ts';
import { HomeAssistantPublisher } from '../sensors/publication/home-assistant-publisher.ts';
import type { ServiceSource } from '../sensors/services/service-source.ts';
import { openMqttBus } from './adapters/mqtt-message-bus.ts';
import { productVersion } from './adapters/product-version.ts';
import type { Clock } from './ports/clock.ts';
import type { Log } from './ports/log.ts';

export interface Publication {
  /** Why nothing is published now, in one sentence, or null. */
  problem(): string | null;
  /** `next`: what the node shall be after that; where it is published there no more, it is taken back. */
  stop(next: DeviceConfig | null): Promise<void>;
}

/** Publishes from now on; null where the config wants none. */
export function publish(
  config: DeviceConfig,
  services: ServiceSource,
  actuators: ActuatorPanel,
  policy: () => AccessPolicy,
  { clock, log }: { clock: Clock; log: Log },
): Publication | null {
  const { homeAssistant, sensors, device } = config;
  if (!homeAssistant || !sensors.enabled) return null;
  const { discoveryPrefix, ...broker } = homeAssistant;
  const port = sensors.httpPort === 80 ? '' : `:${sensors.httpPort}`;
  const publisher = new HomeAssistantPublisher({
    ...services,
    node: { ...services.node, version: productVersion, url: `http://${device.ip4}${port}/` },
    openBus: openMqttBus,
    broker,
    discoveryPrefix,
    actuators,
    policy,
    clock,
    log,
  });
  publisher.start();
  return {
    problem: () => publisher.problem,
    stop: (next) => publisher.stop(next !== null && !isSame(homeAssistant, next)),
  };
}

function isSame(
  before: NonNullable<DeviceConfig['homeAssistant']>,
  { homeAssistant, sensors }: DeviceConfig,
): boolean {
  const { url, discoveryPrefix } = homeAssistant ?? {};
  return sensors.enabled && url === before.url && discoveryPrefix === before.discoveryPrefix;
}
