/** Linux input events: buttons and switches on the board's pins (gpio-keys), and of devices that the config names. */
import type { InputEvents } from '../../../agent/ports/input-events.ts';
import { kebab } from '../../kernel-text.ts';
import type { Sensor, SensorDriver } from '../../sensor.ts';
import { distinctNames } from '../../sensor-names.ts';
import { InputBoard } from './input-board.ts';
import { findInputDevices, type InputControl, type InputDevice } from './input-devices.ts';
import { EV_KEY } from './input-event.ts';

/** A driver that keeps devices open between discoveries, so that no event is lost. */
export function inputDriver(named: readonly string[], input: InputEvents): SensorDriver {
  const boards = new Map<string, { board: InputBoard; shape: string; sensors: Sensor[] }>();
  return {
    kind: 'input',
    async discover({ sysfs, clock, intervalMs, signal }) {
      const devices = await findInputDevices(sysfs, named, input.wordBytes, signal);
      const found = distinctNames(devices.map((of) => ({ of, id: kebab('input', of.name), ...of })));
      return found.flatMap(({ of, id, name }) => {
        const shape = JSON.stringify(of.controls);
        const known = boards.get(id);
        if (known?.shape === shape) {
          known.board.moveTo(of);
          return known.sensors;
        }
        const board = new InputBoard(of, input, clock);
        const sensors = sensorsOf(id, name, of, board, intervalMs);
        boards.set(id, { board, shape, sensors });
        return sensors;
      });
    },
  };
}

function sensorsOf(
  id: string,
  name: string,
  { controls }: InputDevice,
  board: InputBoard,
  intervalMs: number,
): Sensor[] {
  return controls.flatMap((control) => {
    const word = control.type === EV_KEY ? 'key' : 'switch';
    return pair(kebab(id, word, String(control.code)), `${name}, ${word} ${control.code}`, control);
  });

  function pair(controlId: string, words: string, control: InputControl): Sensor[] {
    return [
      {
        id: controlId,
        name: words,
        kind: 'input',
        unit: '/',
        intervalMs,
        read: () => board.state(control),
        watch: (onValue) =>
          board.watch(() => {
            const { state } = board.known(control);
            if (state !== null) onValue(state);
          }),
      },
      {
        id: `${controlId}-count`,
        name: `${words}, uses`,
        kind: 'count',
        unit: 'count',
        intervalMs,
        read: () => board.uses(control),
        watch: (onValue) => board.watch(() => onValue(board.known(control).uses)),
      },
    ];
  }
}
