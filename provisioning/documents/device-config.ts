/**
 * What a device is told to be: the one schema of its settings. Defaults stand here and nowhere else. The signed form
 * holds no secrets in clear; `DeviceConfig` is what comes out once everything was checked and unsealed.
 */
import * as v from 'valibot';
import {
  brokerUrlField,
  caField,
  integerField,
  ip4Field,
  ip4NetworkField,
  ip6Field,
  ip6NetworkField,
  labelField,
  tagsField,
  textField,
} from './document-fields.ts';
import { SensorSettingsSchema } from './sensor-settings.ts';

/** `stun:host:port`, `turn:user:password@host:port`, as libdatachannel reads them. */
export const iceServerField = v.pipe(textField(512), v.regex(/^(?:stun|turn|turns):\S+$/));

/** 1400 leaves room for our header inside 1500-byte IPv4 and IPv6 paths; IPv6 needs at least 1280 (RFC 8200). */
export const mtuField = v.optional(integerField(1280, 9000), 1400);

export const LinkSettingsSchema = v.strictObject({
  iceServers: v.optional(v.pipe(v.array(iceServerField), v.maxLength(16)), []),
  /** 0: idle links are kept. */
  idleCloseMs: v.optional(integerField(0, 86_400_000), 300_000),
  /** 0: the kernel chooses. */
  udpPort: v.optional(integerField(0, 65_535), 0),
});

const allowedTags = v.pipe(tagsField, v.minLength(1));

/** Who may do what with the device, by the tags of his membership; see sensors/access.ts. */
export const policyFields = {
  read: v.union([v.literal('members'), allowedTags]),
  command: tagsField,
};

/** Every member may read and nobody may command, where the owner says nothing. */
export const PolicySchema = v.strictObject({
  read: v.optional(policyFields.read, 'members'),
  command: v.optional(policyFields.command, []),
});

export const ConfirmSettingsSchema = v.strictObject({
  /** How long a new config has to show that the node works with it; after that the last good one comes back. */
  timeoutMs: v.optional(integerField(1_000, 600_000), 60_000),
});

/** Where Home Assistant finds the device by MQTT; a broker of its own, which need not be the fleet's. */
export const homeAssistantFields = {
  url: brokerUrlField,
  username: v.exactOptional(textField(256)),
  ca: v.exactOptional(caField),
  discoveryPrefix: v.optional(v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{1,64}$/)), 'homeassistant'),
};

/** A Wi-Fi network, as tincan/wifi.json of a card says it (IEEE 802.11; WPA: a passphrase, or a key of 64 digits). */
export const WifiNetworkSchema = v.strictObject({
  ssid: v.pipe(v.string(), v.minBytes(1), v.maxBytes(32), v.excludes('\0')),
  password: v.exactOptional(v.pipe(v.string(), v.regex(/^([ -~]{8,63}|[0-9a-fA-F]{64})$/))),
  country: v.exactOptional(v.pipe(v.string(), v.regex(/^[A-Z]{2}$/))),
});

export type WifiNetwork = v.InferOutput<typeof WifiNetworkSchema>;

/** The first one is preferred. */
export const wifiField = v.pipe(v.array(WifiNetworkSchema), v.maxLength(8));

/** The part of a signed config that says how to be; what of it is secret stands in SecretsSchema. */
export const DeviceSettingsSchema = v.strictObject({
  device: v.strictObject({ name: labelField, ip4: ip4Field, ip6: ip6Field, tags: tagsField }),
  network: v.strictObject({ ip4: ip4NetworkField, ip6: ip6NetworkField, mtuBytes: mtuField }),
  broker: v.strictObject({
    url: brokerUrlField,
    username: v.exactOptional(textField(256)),
    ca: v.exactOptional(caField),
  }),
  links: v.optional(LinkSettingsSchema, {}),
  sensors: v.optional(SensorSettingsSchema, {}),
  policy: v.exactOptional(PolicySchema),
  homeAssistant: v.exactOptional(v.strictObject(homeAssistantFields)),
  confirm: v.optional(ConfirmSettingsSchema, {}),
});

export type DeviceSettings = v.InferOutput<typeof DeviceSettingsSchema>;

/** Sealed to the device, because every client of the broker can read a retained config. */
export const SecretsSchema = v.strictObject({
  brokerPassword: v.exactOptional(textField(256)),
  homeAssistantPassword: v.exactOptional(textField(256)),
  iceServers: v.optional(v.pipe(v.array(iceServerField), v.maxLength(16)), []),
  wifi: v.exactOptional(wifiField),
});

export type Secrets = v.InferOutput<typeof SecretsSchema>;

/** A device's verified configuration: full state, never a delta. */
export interface DeviceConfig {
  readonly serial: number;
  readonly device: DeviceSettings['device'];
  readonly network: DeviceSettings['network'];
  readonly broker: DeviceSettings['broker'] & { password?: string };
  readonly links: DeviceSettings['links'];
  readonly sensors: DeviceSettings['sensors'];
  readonly policy: v.InferOutput<typeof PolicySchema>;
  readonly homeAssistant: (NonNullable<DeviceSettings['homeAssistant']> & { password?: string }) | null;
  readonly confirm: DeviceSettings['confirm'];
  /** Networks that it may join beside those of its card. */
  readonly wifi: readonly WifiNetwork[];
}

/** Joins what was public with what was sealed. */
export function joinSecrets(serial: number, settings: DeviceSettings, secrets: Secrets): DeviceConfig {
  const { brokerPassword, homeAssistantPassword, iceServers, wifi = [] } = secrets;
  const { homeAssistant } = settings;
  return {
    serial,
    ...settings,
    wifi,
    broker: { ...settings.broker, ...(brokerPassword === undefined ? {} : { password: brokerPassword }) },
    links: { ...settings.links, iceServers: [...settings.links.iceServers, ...iceServers] },
    policy: settings.policy ?? v.parse(PolicySchema, {}),
    homeAssistant: homeAssistant
      ? {
          ...homeAssistant,
          ...(homeAssistantPassword === undefined ? {} : { password: homeAssistantPassword }),
        }
      : null,
  };
}
