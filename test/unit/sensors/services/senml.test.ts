import { decode } from 'cborg';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type SenmlRecord, senmlCbor, senmlPack } from '../../../../sensors/services/senml.ts';
import { reading } from './readings.ts';
import { NODE, served, thermometer } from './served-sensors.ts';

const WALL_MS = Date.UTC(2026, 10, 1);

describe('SenML', () => {
  it('has one base name and time, and each value with its unit and time', () => {
    const readings = [
      reading({ id: 'air', unit: 'Cel', value: 20.5 }),
      reading({ id: 'os', value: 'Debian', ageMs: 0 }),
      reading({ id: 'never', value: null, ageMs: null }),
    ];
    expect(senmlPack(NODE, readings, WALL_MS)).toEqual([
      { bn: 'abcdefghijklmnop/', bt: WALL_MS / 1000, n: 'air', u: 'Cel', v: 20.5, t: -1.5 },
      { n: 'os', vs: 'Debian' },
    ]);
  });

  it('has times relative to now while the clock is not set', () => {
    expect(senmlPack(NODE, [reading({})], null)).toEqual([
      { bn: 'abcdefghijklmnop/', n: 'air', v: 20, t: -1.5 },
    ]);
  });

  it('is a pack with one record where there is nothing to say', () => {
    expect(senmlPack(NODE, [], null)).toEqual([{ bn: 'abcdefghijklmnop/' }]);
  });

  it('has the labels of RFC 8428 in CBOR', () => {
    const pack = senmlPack(NODE, [reading({ unit: 'Cel', value: 20.5 }), reading({ value: 'x' })], WALL_MS);
    expect(decode(senmlCbor(pack), { useMaps: true })).toEqual([
      new Map<number, string | number>([
        [-2, 'abcdefghijklmnop/'],
        [-3, WALL_MS / 1000],
        [0, 'air'],
        [1, 'Cel'],
        [2, 20.5],
        [6, -1.5],
      ]),
      new Map<number, string | number>([
        [0, 'air'],
        [3, 'x'],
        [6, -1.5],
      ]),
    ]);
  });

  it('says the same in CBOR as in JSON, whatever is measured', () => {
    const names: Record<number, keyof SenmlRecord> = {
      [-2]: 'bn',
      [-3]: 'bt',
      0: 'n',
      1: 'u',
      2: 'v',
      3: 'vs',
      6: 't',
    };
    const value = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.string({ unit: 'grapheme' }),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(value, fc.nat())), fc.option(fc.nat()), (values, wallMs) => {
        const readings = values.map(([one, ageMs], at) => reading({ id: `s${at}`, value: one, ageMs }));
        const pack = senmlPack(NODE, readings, wallMs);
        const records = decode(senmlCbor(pack), { useMaps: true }) as Array<Map<number, string | number>>;
        const named = records.map((record) =>
          Object.fromEntries([...record].map(([label, field]) => [names[label], field])),
        );
        // JSON has no minus zero.
        expect(JSON.parse(JSON.stringify(named))).toEqual(JSON.parse(JSON.stringify(pack)));
      }),
    );
  });

  it('is JSON unless CBOR is asked for', async () => {
    const { app } = await served([thermometer()]);
    const json = await app.request('/senml');
    expect(json.headers.get('content-type')).toBe('application/senml+json');
    expect(await json.json()).toMatchObject([{ n: 'greenhouse-air', u: 'Cel', v: 20 }]);
    const cbor = await app.request('/senml', { headers: { accept: 'application/senml+cbor' } });
    expect(cbor.headers.get('content-type')).toBe('application/senml+cbor');
    expect(decode(new Uint8Array(await cbor.arrayBuffer()), { useMaps: true })).toHaveLength(1);
  });
});
