/**
 * What Home Assistant calls a unit (SenML code), and the device class that goes with it: only such pairs as its table of
 * units by class has, because it refuses an entity with another.
 */

export interface HomeAssistantUnit {
  unit?: string;
  deviceClass?: string;
  stateClass: 'measurement' | 'total_increasing';
  /** Template of the value. */
  template: string;
}

const VALUE = '{{ value_json.value }}';

const UNITS: Readonly<Record<string, readonly [unit?: string | undefined, deviceClass?: string]>> = {
  Cel: ['°C', 'temperature'],
  '%RH': ['%', 'humidity'],
  Pa: ['Pa', 'pressure'],
  lx: ['lx', 'illuminance'],
  V: ['V', 'voltage'],
  A: ['A', 'current'],
  W: ['W', 'power'],
  J: ['J', 'energy'],
  Hz: ['Hz', 'frequency'],
  s: ['s', 'duration'],
  B: ['B', 'data_size'],
  m: ['m', 'distance'],
  'm/s': ['m/s', 'speed'],
  pH: [undefined, 'ph'],
  count: [],
};

/** How a sensor with this unit is shown; `isCount`: it only grows. */
export function homeAssistantUnit(unit: string | null, isCount: boolean): HomeAssistantUnit {
  // SenML has ratios from 0 to 1, people percentages.
  if (unit === '/') {
    const template = '{{ (value_json.value | float(0) * 100) | round(2) }}';
    return { unit: '%', stateClass: 'measurement', template };
  }
  const [shown, deviceClass] = UNITS[unit ?? ''] ?? [unit ?? undefined];
  return {
    ...(shown === undefined ? {} : { unit: shown }),
    ...(deviceClass === undefined ? {} : { deviceClass }),
    stateClass: isCount || deviceClass === 'energy' ? 'total_increasing' : 'measurement',
    template: VALUE,
  };
}
