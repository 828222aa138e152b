import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DATAPATH_DROP_REASONS } from '../../agent/wire/drop-reason.ts';

const header = readFileSync(new URL('../../agent/native/drop_reason.h', import.meta.url), 'utf8');
const inC = [...header.matchAll(/^\s+X\((\w+), "([^"]+)"\)/gm)].map(([, symbol, name]) => ({ symbol, name }));

describe('drop reasons', () => {
  it('are the same in C and in TypeScript, in the same order', () => {
    expect(inC.map(({ name }) => name)).toEqual([...DATAPATH_DROP_REASONS]);
  });

  it('have the same name as symbol and as text', () => {
    expect(inC.map(({ symbol }) => symbol?.toLowerCase().replaceAll('_', '-'))).toEqual(
      inC.map(({ name }) => name),
    );
  });

  it('are all used by the datapath', () => {
    const native = new URL('../../agent/native/', import.meta.url);
    const sources = readdirSync(native)
      .filter((name) => name.endsWith('.c'))
      .map((name) => readFileSync(new URL(name, native), 'utf8'))
      .join('\n');
    expect(inC.filter(({ symbol }) => !sources.includes(`DROP_${symbol}`))).toEqual([]);
  });
});
