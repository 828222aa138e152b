/**
 * The files of a fleet directory, on the owner's laptop. Every file is written once or replaced whole, and whatever two
 * processes could both decide (an address, a claim's use, a serial) is a file that only one of them can create:
 *
 *   fleet.json              name, id, broker access, settings for all devices
 *   keys/{root,config,fresh}.pem
 *   root/N.json             root documents (DSSE)
 *   addresses/A.B.C.D       whose address it is
 *   devices/NAME.json       what the owner asked for, and the one-off claim
 *   enrolled/NAME.json      the keys that used the claim
 *   issued/NAME/{member,config}-SERIAL.json
 *   seen/NAME.json          last presence and ack
 *   rollout.json            new settings on their way to the devices (rollout.ts)
 *   revoked/NODE.json       who was put out of the fleet (revocation.ts)
 *   revision.json           changes with every change of the owner's, so that a running registrar notices
 */
import * as v from 'valibot';
import { BrokerAccessSchema, CLAIM_SECRET_BYTES } from '../documents/claim.ts';
import {
  ConfirmSettingsSchema,
  homeAssistantFields,
  LinkSettingsSchema,
  mtuField,
  policyFields,
  wifiField,
} from '../documents/device-config.ts';
import {
  blobField,
  bytesField,
  claimIdField,
  idField,
  ip4Field,
  ip4NetworkField,
  ip6NetworkField,
  labelField,
  reasonField,
  tagsField,
  textField,
  timeField,
} from '../documents/document-fields.ts';
import { HardwareSchema } from '../documents/enrolment-messages.ts';
import { DeclaredSensorsSchema, SensorSettingsSchema } from '../documents/sensor-settings.ts';

/** Says who may do what with some devices: all, those with a tag, or one. */
const PolicyRuleSchema = v.strictObject({
  tag: v.exactOptional(labelField),
  device: v.exactOptional(labelField),
  read: v.exactOptional(policyFields.read),
  command: v.exactOptional(policyFields.command),
});

export type PolicyRule = v.InferOutput<typeof PolicyRuleSchema>;

/** What the owner wants of his devices; `tincan fleet apply` changes it. */
export const SettingsSchema = v.strictObject({
  mtuBytes: mtuField,
  links: v.optional(LinkSettingsSchema, {}),
  sensors: v.optional(SensorSettingsSchema, {}),
  /** By the device's name; takes the place of what the fleet's sensors say. */
  deviceSensors: v.exactOptional(v.record(labelField, DeclaredSensorsSchema)),
  /** The password is sealed to each device. */
  homeAssistant: v.exactOptional(
    v.strictObject({ ...homeAssistantFields, password: v.exactOptional(textField(256)) }),
  ),
  /** In order: what a later rule says of a device takes the place of what an earlier one does. */
  policy: v.exactOptional(v.pipe(v.array(PolicyRuleSchema), v.maxLength(256))),
  confirm: v.optional(ConfirmSettingsSchema, {}),
  /** Sealed to each device. */
  wifi: v.exactOptional(wifiField),
});

export type Settings = v.InferOutput<typeof SettingsSchema>;

export const FleetSchema = v.strictObject({
  name: labelField,
  fleetId: idField,
  createdAt: timeField,
  /** How the registrar reaches the broker. */
  broker: BrokerAccessSchema,
  /** What devices log in with, where that is not the registrar's own login. */
  deviceLogin: v.nullable(v.strictObject({ username: textField(256), password: textField(256) })),
  network: v.strictObject({ ip4: ip4NetworkField, ip6: ip6NetworkField }),
  settings: SettingsSchema,
});

export type Fleet = v.InferOutput<typeof FleetSchema>;

export const DeviceSchema = v.strictObject({
  name: labelField,
  ip4: ip4Field,
  tags: tagsField,
  addedAt: timeField,
  claim: v.strictObject({ id: claimIdField, secret: bytesField(CLAIM_SECRET_BYTES), expires: timeField }),
});

export type Device = v.InferOutput<typeof DeviceSchema>;

export const EnrolledSchema = v.strictObject({
  claimId: claimIdField,
  nodeId: idField,
  publicKey: bytesField(32),
  sealingKey: bytesField(32),
  hardware: HardwareSchema,
  enrolledAt: timeField,
});

/** The node that a device became. */
export type EnrolledNode = v.InferOutput<typeof EnrolledSchema>;

export const IssuedSchema = v.strictObject({
  /** SHA-256 over all that went into the document, to know when there is something new to say. */
  inputs: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  issuedAt: timeField,
  envelope: blobField(64 * 1024),
});

export const SeenSchema = v.strictObject({
  presence: v.nullable(v.strictObject({ online: v.boolean(), agent: textField(32), at: timeField })),
  ack: v.nullable(
    v.strictObject({
      serial: v.nullable(v.number()),
      outcome: v.string(),
      reason: v.nullable(reasonField),
      problem: v.nullable(textField(300)),
      at: timeField,
    }),
  ),
});

/** What the registrar last heard of a device. */
export type Seen = v.InferOutput<typeof SeenSchema>;

export const RevisionSchema = v.strictObject({ revision: v.string() });
