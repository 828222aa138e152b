/** What of a device's settings is about sensors and actuators: what is wired to it, how it is sampled, how it is served. */
import * as v from 'valibot';
import { integerField, textField } from './document-fields.ts';

/** SenML codes that a declared sensor can have. */
const SENSOR_UNITS = [
  ...(['/', 'count', 's', 'm', 'm/s', 'm/s2', 'rad', 'rad/s', 'Hz', '1/min', 'V', 'A', 'W', 'J'] as const),
  ...(['F', 'Ohm', 'S/m', 'T', 'Cel', '%RH', 'Pa', 'lx', 'pH', 'kg/m3', 'B'] as const),
];

const intervalField = integerField(100, 86_400_000);
/** A sensor's id as it stands in URLs. */
const sensorIdField = v.pipe(v.string(), v.maxLength(128), v.regex(/^[a-z0-9]+(-[a-z0-9]+)*$/));

/** How one sensor is sampled, where that is not as its driver would have it. */
const SamplingRuleSchema = v.strictObject({
  id: sensorIdField,
  intervalMs: v.exactOptional(intervalField),
  deadband: v.exactOptional(v.pipe(v.number(), v.finite(), v.minValue(0))),
  windowMs: v.exactOptional(integerField(1_000, 86_400_000)),
});

/** A GPIO line of the 40-pin header by name or pin, or one of another chip as its label, a colon and the line's place. */
const lineField = v.pipe(
  v.string(),
  v.regex(/^(GPIO(\d|1\d|2[0-7])|pin ([1-9]|[1-3]\d|40)|[!-~]{1,48}:\d{1,4})$/),
);

const GpioInputSchema = v.strictObject({
  name: v.pipe(sensorIdField, v.maxLength(32)),
  line: lineField,
  edge: v.optional(v.picklist(['rising', 'falling', 'both']), 'both'),
  debounceMs: v.optional(integerField(0, 10_000), 0),
  counter: v.optional(v.boolean(), false),
});

/** How long an actuator stays set while the member who set it cannot be reached. */
const holdField = v.optional(integerField(1, 86_400), 60);

/** A GPIO output, in its safe state from the start on. */
const GpioOutputSchema = v.strictObject({
  name: v.pipe(sensorIdField, v.maxLength(32)),
  line: lineField,
  activeLow: v.optional(v.boolean(), false),
  safeState: v.optional(v.boolean(), false),
  holdSeconds: holdField,
});

/** How an LED of the kernel is while nobody controls it; without a brightness its trigger drives it. */
const LedSchema = v.strictObject({
  name: v.pipe(textField(64), v.regex(/^[^/]+$/)),
  safeState: v.exactOptional(integerField(0, 65_535)),
  holdSeconds: holdField,
});

/** A program whose output is a value; without a unit it is text. */
const CommandSchema = v.strictObject({
  name: v.pipe(sensorIdField, v.maxLength(32)),
  argv: v.pipe(
    v.array(textField(256)),
    v.minLength(1),
    v.maxLength(32),
    v.check(([path]) => path?.startsWith('/') === true, 'no absolute path'),
  ),
  unit: v.exactOptional(v.picklist(SENSOR_UNITS)),
  intervalMs: v.optional(integerField(1_000, 86_400_000), 60_000),
});

/** A chip on an I2C bus that has a kernel driver; the addresses between 0x00 and 0x07, and from 0x78 on, are reserved. */
const I2cChipSchema = v.strictObject({
  bus: integerField(0, 255),
  address: v.pipe(v.string(), v.regex(/^0x(0[89a-f]|[1-6][0-9a-f]|7[0-7])$/)),
  driver: v.pipe(v.string(), v.maxLength(19), v.regex(/^[a-z0-9][a-z0-9_-]*$/)),
});

/** A recording that is played in place of a sensor. */
const ReplaySchema = v.pipe(
  v.strictObject({
    name: v.pipe(sensorIdField, v.maxLength(32)),
    file: v.exactOptional(v.pipe(textField(4096), v.startsWith('/'))),
    sensor: v.exactOptional(sensorIdField),
    series: v.exactOptional(
      v.pipe(
        v.array(v.union([v.pipe(v.number(), v.finite()), textField(256)])),
        v.minLength(1),
        v.maxLength(1_024),
      ),
    ),
    unit: v.exactOptional(v.picklist(SENSOR_UNITS)),
    intervalMs: v.optional(intervalField, 5_000),
    loop: v.optional(v.boolean(), true),
    speed: v.optional(v.pipe(v.number(), v.minValue(0.001), v.maxValue(100_000)), 1),
  }),
  v.check(({ file, series }) => (file === undefined) !== (series === undefined), 'either file or series'),
);

/** A list of settings whose entries are told apart by one of their fields. */
const listBy = <Key extends string, Schema extends v.GenericSchema<unknown, Record<Key, string>>>(
  key: Key,
  schema: Schema,
  most: number,
) =>
  v.pipe(
    v.array(schema),
    v.maxLength(most),
    v.check((list) => new Set(list.map((entry) => entry[key])).size === list.length, `two of one ${key}`),
  );

/** What differs from board to board: what is wired to it, and how that is sampled. */
const declared = {
  gpio: v.exactOptional(listBy('name', GpioInputSchema, 28)),
  outputs: v.exactOptional(listBy('name', GpioOutputSchema, 28)),
  leds: v.exactOptional(listBy('name', LedSchema, 64)),
  commands: v.exactOptional(listBy('name', CommandSchema, 32)),
  inputs: v.exactOptional(v.pipe(v.array(textField(128)), v.maxLength(16))),
  i2c: v.exactOptional(
    v.pipe(
      v.array(I2cChipSchema),
      v.maxLength(64),
      v.check(
        (list) => new Set(list.map(({ bus, address }) => `${bus} ${address}`)).size === list.length,
        'two of one bus and address',
      ),
    ),
  ),
  replays: v.exactOptional(listBy('name', ReplaySchema, 32)),
  sampling: v.exactOptional(listBy('id', SamplingRuleSchema, 256)),
};

export const DeclaredSensorsSchema = v.strictObject(declared);

/** In what ways sensors are served beside plain HTTP. */
const ServiceSettingsSchema = v.strictObject({
  webSocket: v.optional(v.boolean(), true),
  /** 0: no CoAP. */
  coapPort: v.optional(integerField(0, 65_535), 5_683),
  /** Tells of itself by DNS-SD, and answers to its name by mDNS. */
  discovery: v.optional(v.boolean(), true),
});

/** How the services are where the config says nothing of them. */
export const DEFAULT_SERVICES = v.parse(ServiceSettingsSchema, {});
/** Of one member, on all services of a device together. */
export const DEFAULT_REQUESTS_PER_SECOND = 100;

export const SensorSettingsSchema = v.strictObject({
  enabled: v.optional(v.boolean(), true),
  intervalMs: v.optional(intervalField, 5_000),
  httpPort: v.optional(integerField(1, 65_535), 80),
  services: v.exactOptional(ServiceSettingsSchema),
  /** Of one member. */
  requestsPerSecond: v.exactOptional(integerField(1, 1_000_000)),
  ...declared,
});
