/** The adapter over onoff's own JavaScript needs its native part; here its class is replaced by one that remembers. */
import { describe, expect, it } from 'vitest';
import { OnoffGpio } from '../../../agent/adapters/onoff-gpio.ts';

function setUp() {
  const calls: string[] = [];
  class RememberingGpio {
    readonly #line: number;
    #level = 0;
    constructor(line: number, direction: string, edge: string, options: { activeLow?: boolean }) {
      if (line === 99) throw Object.assign(new Error('EBUSY: busy'), { code: 'EBUSY' });
      this.#line = line;
      calls.push(`export ${line} ${direction} ${edge} ${JSON.stringify(options)}`);
    }
    setDirection(direction: string): void {
      calls.push(`direction ${this.#line} ${direction}`);
      this.#level = direction === 'high' ? 1 : 0;
    }
    async read(): Promise<number> {
      return this.#level;
    }
    async write(level: number): Promise<void> {
      calls.push(`write ${this.#line} ${level}`);
      this.#level = level;
    }
    watch(): void {}
    unexport(): void {
      calls.push(`unexport ${this.#line}`);
    }
  }
  const load = async () => ({ Gpio: RememberingGpio }) as unknown as typeof import('onoff');
  return { calls, gpio: new OnoffGpio(load) };
}

const INPUT = { edge: 'both', debounceMs: 0, onEdge: () => undefined } as const;

describe('outputs through onoff', () => {
  it('have their level from the first moment, and are driven on when nobody uses them', async () => {
    const { calls, gpio } = setUp();
    const output = await gpio.openOutput(17, 1);
    expect(await output.read()).toBe(1);
    await output.write(0);
    output.leave();
    expect(calls).toEqual(['export 17 high none {"activeLow":false}', 'direction 17 high', 'write 17 0']);
  });

  it('are taken up again without being exported twice', async () => {
    const { calls, gpio } = setUp();
    (await gpio.openOutput(17, 0)).leave();
    await gpio.openOutput(17, 1);
    expect(calls.filter((call) => call.startsWith('export'))).toHaveLength(1);
    expect(calls.at(-1)).toBe('direction 17 high');
  });

  it('can become inputs by another config', async () => {
    const { calls, gpio } = setUp();
    (await gpio.openOutput(17, 0)).leave();
    await gpio.open(17, INPUT);
    expect(calls.slice(-2)).toEqual(['unexport 17', 'export 17 in both {"debounceTimeout":0}']);
  });

  it('have one user each, and one sentence for what the kernel refuses', async () => {
    const { gpio } = setUp();
    await gpio.openOutput(17, 0);
    await expect(gpio.openOutput(17, 0)).rejects.toThrow('GPIO line 17 is open already');
    await expect(gpio.open(17, INPUT)).rejects.toThrow('GPIO line 17 is open already');
    await expect(gpio.openOutput(99, 0)).rejects.toThrow(
      'cannot open GPIO line 99 (EBUSY): another driver or program holds it',
    );
  });
});
