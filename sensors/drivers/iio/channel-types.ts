/**
 * What the channels of IIO devices measure, and the kernel's units (Documentation/ABI/testing/sysfs-bus-iio): those of
 * `_input` files, and of `(raw + offset) * scale`. Intensity, proximity and activity have no unit and are left out.
 */
import type { Quantity } from '../../kernel-number.ts';

const DEGREES_PER_RADIAN = 180 / Math.PI;

/** Type in the files' names (`in_temp_raw`) -> what it is. */
export const CHANNEL_TYPES: ReadonlyMap<string, Quantity> = new Map<string, Quantity>([
  [
    'temp',
    { kind: 'temperature', words: 'Temperature', unit: 'Cel', perUnit: 1000, from: -273.15, to: 2000 },
  ],
  ['humidityrelative', { kind: 'humidity', words: 'Humidity', unit: '%RH', perUnit: 1000, from: 0, to: 110 }],
  // The kernel gives kilopascal.
  ['pressure', { kind: 'pressure', words: 'Pressure', unit: 'Pa', perUnit: 0.001 }],
  ['voltage', { kind: 'voltage', words: 'Voltage', unit: 'V', perUnit: 1000 }],
  ['altvoltage', { kind: 'voltage', words: 'Alternating voltage', unit: 'V', perUnit: 1000 }],
  ['current', { kind: 'current', words: 'Current', unit: 'A', perUnit: 1000 }],
  ['power', { kind: 'power', words: 'Power', unit: 'W', perUnit: 1000 }],
  ['energy', { kind: 'energy', words: 'Energy', unit: 'J', perUnit: 1 }],
  ['capacitance', { kind: 'capacitance', words: 'Capacitance', unit: 'F', perUnit: 1e9 }],
  ['resistance', { kind: 'resistance', words: 'Resistance', unit: 'Ohm', perUnit: 1 }],
  ['accel', { kind: 'acceleration', words: 'Acceleration', unit: 'm/s2', perUnit: 1 }],
  ['gravity', { kind: 'gravity', words: 'Gravity', unit: 'm/s2', perUnit: 1 }],
  ['anglvel', { kind: 'rotation', words: 'Angular velocity', unit: 'rad/s', perUnit: 1 }],
  // Gauss.
  ['magn', { kind: 'magnetism', words: 'Magnetic field', unit: 'T', perUnit: 10_000 }],
  ['incli', { kind: 'inclination', words: 'Inclination', unit: 'rad', perUnit: DEGREES_PER_RADIAN }],
  ['angl', { kind: 'angle', words: 'Angle', unit: 'rad', perUnit: 1 }],
  ['illuminance', { kind: 'illuminance', words: 'Illuminance', unit: 'lx', perUnit: 1, from: 0 }],
  ['uvindex', { kind: 'uvindex', words: 'UV index', unit: '/', perUnit: 1, from: 0 }],
  ['distance', { kind: 'distance', words: 'Distance', unit: 'm', perUnit: 1 }],
  ['velocity', { kind: 'velocity', words: 'Velocity', unit: 'm/s', perUnit: 1 }],
  // Percent.
  [
    'concentration',
    { kind: 'concentration', words: 'Concentration', unit: '/', perUnit: 100, from: 0, to: 1 },
  ],
  // Micrograms per cubic metre.
  [
    'massconcentration',
    { kind: 'particles', words: 'Mass concentration', unit: 'kg/m3', perUnit: 1e9, from: 0 },
  ],
  [
    'electricalconductivity',
    { kind: 'conductivity', words: 'Conductivity', unit: 'S/m', perUnit: 1, from: 0 },
  ],
  ['ph', { kind: 'acidity', words: 'Acidity', unit: 'pH', perUnit: 1, from: -2, to: 16 }],
  ['count', { kind: 'count', words: 'Count', unit: 'count', perUnit: 1 }],
]);
