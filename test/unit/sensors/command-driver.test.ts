import { describe, expect, it } from 'vitest';
import { type CommandSetting, commandDriver } from '../../../sensors/drivers/command/command-driver.ts';
import { FakeSysfs } from '../../fakes/fake-sysfs.ts';
import { discover, readOnce } from './raspberry-pi.ts';

const CHARGE: CommandSetting = { name: 'charge', argv: ['/usr/bin/ups', 'x'], unit: '/', intervalMs: 60_000 };

async function sensorPrinting(output: string, setting = CHARGE) {
  const [sensor] = await discover(commandDriver([setting], { run: async () => output }), new FakeSysfs());
  return sensor;
}

describe('command driver', () => {
  it('takes the output for a number where the config gives a unit', async () => {
    const sensor = await sensorPrinting('0.75');
    expect(sensor).toMatchObject({ id: 'command-charge', unit: '/', intervalMs: 60_000 });
    expect(await readOnce(sensor)).toBe(0.75);
  });

  it('takes the output for text where it gives none', async () => {
    const sensor = await sensorPrinting('on mains', { name: 'mode', argv: ['/x'], intervalMs: 60_000 });
    expect(sensor?.unit).toBeNull();
    expect(await readOnce(sensor)).toBe('on mains');
  });

  it.each(['', 'a\nb', '\u001b[2J', 'x'.repeat(257)])('refuses %j as text', async (output) => {
    const sensor = await sensorPrinting(output, { name: 'mode', argv: ['/x'], intervalMs: 60_000 });
    await expect(readOnce(sensor)).rejects.toThrow('/x printed');
  });

  it('refuses words as a number', async () => {
    await expect(readOnce(await sensorPrinting('75 %'))).rejects.toThrow(
      '/usr/bin/ups says "75 %" where a number',
    );
  });
});
