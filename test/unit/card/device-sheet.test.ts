import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TincanError } from '../../../agent/errors.ts';
import { readDeviceSheet } from '../../../image-build/card/device-sheet.ts';
import { WriteProgress } from '../../../image-build/card/write-progress.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';

const NOTHING = {
  wifi: null,
  wifi_password: null,
  wifi_password_file: null,
  wifi_country: null,
  ssh_key: null,
  hostname: null,
};

describe('readDeviceSheet', () => {
  it('reads what a spreadsheet saves', () => {
    const text =
      '\ufeffdevice,claim,wifi,wifi_password\r\ngreenhouse,g.json,"My ""net"", ☕",\r\n\r\nattic,a.json,,\r\n';
    expect(readDeviceSheet('d.csv', text)).toEqual([
      { ...NOTHING, device: 'greenhouse', claim: 'g.json', wifi: 'My "net", ☕' },
      { ...NOTHING, device: 'attic', claim: 'a.json' },
    ]);
  });

  it.each([
    ['', 'has no devices'],
    ['device,claim\n', 'has no devices'],
    ['device,claim\na,b\na,c\n', 'the device a twice'],
    ['device,claim\na\n', 'not a CSV file'],
    ['device,claim,colour\na,b,red\n', 'has a column "colour"'],
    ['device\na\n', 'has no column "claim"'],
    ['device,claim\na,\n', 'line 2 of d.csv'],
    ['device,claim\na,b\n../etc,b\n', 'line 3 of d.csv has "../etc" as its device'],
    ['device,claim\n"a,b\n', 'not a CSV file'],
  ])('refuses %j', (text, sentence) => {
    expect(() => readDeviceSheet('d.csv', text)).toThrow(sentence);
  });

  it('takes any text, or says what is wrong with it', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((text) => `device,claim\n${text}`),
        ),
        (text) => {
          try {
            expect(readDeviceSheet('d.csv', text).length).toBeGreaterThan(0);
          } catch (error) {
            expect(error).toBeInstanceOf(TincanError);
          }
        },
      ),
    );
  });
});

describe('WriteProgress', () => {
  it('says how far it is, how fast of late, and how long it takes', async () => {
    const clock = new ManualClock();
    const progress = new WriteProgress('writing', 3e9, clock);
    expect(progress.line(0)).toBe('writing 0 %  0 MB of 3.0 GB');
    await clock.advance(10_000);
    expect(progress.line(1e9)).toBe('writing 33 %  1.0 GB of 3.0 GB  100.0 MB/s  0:20 left');
    for (let second = 1; second <= 20; second++) {
      await clock.advance(1_000);
      progress.line(1e9 + second * 1e7);
    }
    expect(progress.line(1.2e9)).toBe('writing 40 %  1.2 GB of 3.0 GB  10.0 MB/s  3:00 left');
    expect(progress.line(3e9)).toContain('100 %');
  });
});
