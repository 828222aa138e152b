/** The output of programs that the signed config names; nothing is run that it does not name. */
import { EnvironmentFault } from '../../../agent/errors.ts';
import type { CommandRunner } from '../../../agent/ports/command.ts';
import { decimal } from '../../kernel-text.ts';
import type { Sensor, SensorDriver, Unit } from '../../sensor.ts';

export interface CommandSetting {
  /** Part of the sensor's id: `ups-charge`. */
  name: string;
  /** The program by its absolute path, and its arguments. */
  argv: readonly string[];
  /** The output is a number in this unit; absent: it is text. */
  unit?: Unit | undefined;
  intervalMs: number;
}

const MOST_CHARACTERS = 256;
const PRINTABLE = /^[^\p{Cc}]+$/u;

export function commandDriver(settings: readonly CommandSetting[], runner: CommandRunner): SensorDriver {
  return {
    kind: 'command',
    discover: async () => settings.map((setting) => sensorOf(setting, runner)),
  };
}

function sensorOf({ name, argv, unit, intervalMs }: CommandSetting, runner: CommandRunner): Sensor {
  return {
    id: `command-${name}`,
    name,
    kind: 'command',
    unit: unit ?? null,
    intervalMs,
    async read(signal) {
      const output = await runner.run(argv, signal);
      if (unit !== undefined) return decimal(output, argv[0] ?? name);
      if (output.length <= MOST_CHARACTERS && PRINTABLE.test(output)) return output;
      throw new EnvironmentFault(
        'garbage',
        `${argv[0]} printed ${output.length} characters where one line of 1 to ${MOST_CHARACTERS} should be`,
        { retryable: true },
      );
    },
  };
}
