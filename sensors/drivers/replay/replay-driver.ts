/** Recordings in place of sensors, for trials: a file, or a series in the signed config, played at any speed. */
import { EnvironmentFault } from '../../../agent/errors.ts';
import type { Clock } from '../../../agent/ports/clock.ts';
import type { TextFiles } from '../../../agent/ports/text-files.ts';
import type { Sensor, SensorDriver, SensorValue, Unit } from '../../sensor.ts';
import { type Recording, readRecording } from './recording.ts';

export interface ReplaySetting {
  /** Part of the sensor's id: `replay-air`. */
  name: string;
  /** A recording by its absolute path; else `series`. */
  file?: string | undefined;
  /** Of the file's lines those of this sensor. */
  sensor?: string | undefined;
  /** Values, one after another at the sensor's interval. */
  series?: readonly SensorValue[] | undefined;
  /** Absent: values are text. */
  unit?: Unit | undefined;
  intervalMs: number;
  /** Begins anew at its end; else it fails from then on. */
  loop: boolean;
  /** 60: an hour in a minute. */
  speed: number;
}

/** A driver for these settings. Each recording begins when it is first read, and goes on over discoveries. */
export function replayDriver(settings: readonly ReplaySetting[], files: TextFiles): SensorDriver {
  let sensors: Sensor[] | null = null;
  return {
    kind: 'replay',
    async discover({ clock }) {
      sensors ??= settings.map((setting) => sensorOf(setting, files, clock));
      return sensors;
    },
  };
}

function sensorOf(setting: ReplaySetting, files: TextFiles, clock: Clock): Sensor {
  const { name, unit, intervalMs } = setting;
  let playing: { recording: Recording; fromMs: number } | null = null;
  return {
    id: `replay-${name}`,
    name: `${name} (recording)`,
    kind: 'replay',
    unit: unit ?? null,
    intervalMs,
    async read() {
      playing ??= { recording: await recordingOf(setting, files), fromMs: clock.monotonicMs() };
      const { recording, fromMs } = playing;
      const value = valueAt(recording, ((clock.monotonicMs() - fromMs) / 1000) * setting.speed, setting);
      if (typeof value === 'number' || unit === undefined) return unit === undefined ? String(value) : value;
      throw new EnvironmentFault(
        'bad-recording',
        `recording of ${name}: ${JSON.stringify(value.slice(0, 40))} is no number, and the sensor has a unit`,
      );
    },
  };
}

async function recordingOf(setting: ReplaySetting, files: TextFiles): Promise<Recording> {
  const { file, sensor, series, intervalMs } = setting;
  if (file !== undefined) return readRecording(await files.read(file), file, sensor);
  const values = series ?? [];
  return { times: values.map((_, index) => (index * intervalMs) / 1000), values };
}

/** The last value that was taken until then. The last of all holds for as long as those before it did on average. */
function valueAt({ times, values }: Recording, seconds: number, { name, loop }: ReplaySetting): SensorValue {
  const end = times.at(-1) ?? 0;
  const duration = times.length > 1 ? end + end / (times.length - 1) : Number.POSITIVE_INFINITY;
  if (seconds >= duration && duration > 0 && !loop) {
    throw new EnvironmentFault('recording-over', `recording of ${name} is over: set "loop" to begin it anew`);
  }
  const at = duration > 0 ? seconds % duration : 0;
  const value = values[indexAt(times, at)];
  if (value !== undefined) return value;
  throw new EnvironmentFault('bad-recording', `recording of ${name} holds no value`);
}

/** The last index whose time is not after `at`; binary, because a recording may hold 100,000. */
function indexAt(times: readonly number[], at: number): number {
  let low = 0;
  let high = times.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((times[middle] ?? 0) <= at) low = middle;
    else high = middle - 1;
  }
  return low;
}
