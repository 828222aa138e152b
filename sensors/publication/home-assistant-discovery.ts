/**
 * What tells Home Assistant of a node by MQTT: one retained message with the device and all its entities (the device form
 * of MQTT discovery). Keys are spelt out, as in its schema.
 */
import type { ActuatorState } from '../actuator.ts';
import type { Reading } from '../reading.ts';
import type { ServedNode } from '../services/service-source.ts';
import { homeAssistantUnit } from './home-assistant-units.ts';

export interface DiscoveredNode extends ServedNode {
  version: string;
  /** Of its page; null: it has none. */
  url: string | null;
}

export interface HomeAssistantTopics {
  discovery: string;
  /** `online` or `offline`. */
  status: string;
  sensor(id: string): string;
  actuator(id: string): string;
  command(id: string): string;
}

/** One entity; `platform` alone takes one back. */
export type Component = { platform: string } & Readonly<Record<string, unknown>>;

export interface DeviceDiscovery {
  device: Readonly<Record<string, unknown>>;
  origin: Readonly<Record<string, unknown>>;
  components: Record<string, Component>;
}

/** Topics below `tincan-node/<id>`, apart from what the fleet itself says on a broker that may be the same. */
export function homeAssistantTopics(nodeId: string, prefix: string): HomeAssistantTopics {
  const base = `tincan-node/${nodeId}`;
  return {
    discovery: `${prefix}/device/tincan-${nodeId}/config`,
    status: `${base}/status`,
    sensor: (id) => `${base}/sensors/${id}`,
    actuator: (id) => `${base}/actuators/${id}`,
    command: (id) => `${base}/actuators/${id}/set`,
  };
}

export function deviceDiscovery(
  node: DiscoveredNode,
  readings: readonly Reading[],
  actuators: readonly ActuatorState[],
  topics: HomeAssistantTopics,
): DeviceDiscovery {
  const sensors = readings.map((reading) => [`sensor-${reading.id}`, sensor(node, reading, topics)] as const);
  const settable = actuators.map((state) => [`actuator-${state.id}`, actuator(node, state, topics)] as const);
  return {
    device: {
      identifiers: [`tincan-${node.id}`],
      name: node.name,
      manufacturer: 'Tincan',
      serial_number: node.id,
      sw_version: node.version,
      ...(node.url === null ? {} : { configuration_url: node.url }),
    },
    origin: { name: 'Tincan', sw_version: node.version },
    components: Object.fromEntries([...sensors, ...settable]),
  };
}

function sensor(
  node: DiscoveredNode,
  { id, name, kind, unit, value }: Reading,
  topics: HomeAssistantTopics,
): Component {
  const head = {
    platform: 'sensor',
    unique_id: `tincan_${node.id}_${id}`,
    name,
    state_topic: topics.sensor(id),
    // A sensor that is silent is not available, although its node is.
    availability: [
      { topic: topics.status },
      {
        topic: topics.sensor(id),
        value_template: "{{ 'online' if value_json.quality == 'ok' else 'offline' }}",
      },
    ],
    availability_mode: 'all',
  };
  if (unit === null && typeof value === 'string')
    return { ...head, value_template: '{{ value_json.value }}' };
  const { unit: shown, deviceClass, stateClass, template } = homeAssistantUnit(unit, kind === 'count');
  return {
    ...head,
    value_template: template,
    state_class: stateClass,
    ...(shown === undefined ? {} : { unit_of_measurement: shown }),
    ...(deviceClass === undefined ? {} : { device_class: deviceClass }),
  };
}

function actuator(node: DiscoveredNode, state: ActuatorState, topics: HomeAssistantTopics): Component {
  const { id, title, kind, minimum = 0, maximum = 0 } = state;
  const head = {
    unique_id: `tincan_${node.id}_actuator_${id}`,
    name: title,
    state_topic: topics.actuator(id),
    command_topic: topics.command(id),
    availability: [{ topic: topics.status }],
  };
  if (kind === 'integer') {
    return {
      platform: 'number',
      ...head,
      min: minimum,
      max: maximum,
      step: 1,
      value_template: '{{ value_json.value }}',
    };
  }
  return {
    platform: 'switch',
    ...head,
    payload_on: 'true',
    payload_off: 'false',
    value_template: "{{ 'true' if value_json.value else 'false' }}",
  };
}
