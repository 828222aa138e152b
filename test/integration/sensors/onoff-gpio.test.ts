/** The real onoff with its native part; no machine has a line of this number. */
import { describe, expect, it } from 'vitest';
import { OnoffGpio } from '../../../agent/adapters/onoff-gpio.ts';
import { EnvironmentFault } from '../../../agent/errors.ts';

describe('onoff', () => {
  it('refuses a line that is not there with one sentence', async () => {
    const opening = new OnoffGpio().open(999_999, { edge: 'both', debounceMs: 0, onEdge: () => {} });
    const fault = await opening.catch((error: unknown) => error);
    expect(fault).toBeInstanceOf(EnvironmentFault);
    expect(['no-gpio', 'no-privilege']).toContain(fault instanceof EnvironmentFault && fault.code);
    expect(String(fault)).toMatch(/GPIO (line 999999|needs the (package|native part of) onoff)/);
  });
});
