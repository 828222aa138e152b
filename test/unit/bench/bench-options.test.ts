import { describe, expect, it } from 'vitest';
import { UsageError } from '../../../agent/errors.ts';
import { readBenchOptions, SYSTEM_NAMES } from '../../bench/bench-options.ts';

describe('the options of the benchmark', () => {
  it('are every system, three runs of 3 s, without any', () => {
    expect(readBenchOptions([])).toEqual({
      json: false,
      quick: false,
      sensors: false,
      runs: 3,
      seconds: 3,
      systems: [...SYSTEM_NAMES],
      peerBin: null,
      cpuShare: null,
      links: null,
    });
  });

  it('are one run of 1 s with --quick, unless said otherwise', () => {
    expect(readBenchOptions(['--quick'])).toMatchObject({ quick: true, runs: 1, seconds: 1 });
    expect(readBenchOptions(['--quick', '--runs', '2', '--seconds', '5'])).toMatchObject({
      runs: 2,
      seconds: 5,
    });
  });

  it('take the systems in a fixed order, each once', () => {
    const { systems } = readBenchOptions(['--systems', 'fastd,tincan,fastd']) ?? {};
    expect(systems).toEqual(['tincan', 'fastd']);
  });

  it('are null for --help', () => {
    expect(readBenchOptions(['--help'])).toBeNull();
  });

  it.each([
    ['--runs', '0'],
    ['--runs', '2.5'],
    ['--runs', ''],
    ['--seconds', 'ten'],
    ['--links', '0'],
    ['--links', 'many'],
    ['--links', '51'],
    ['--cpu', '0'],
    ['--cpu', 'NaN'],
    ['--systems', 'tincan,openvpn'],
    ['--systems', ''],
    ['--peers', 'x'],
  ])('refuse %s %s with a usage error', (option, value) => {
    expect(() => readBenchOptions([option, value])).toThrow(UsageError);
  });

  it('name the value and what is allowed when they refuse', () => {
    expect(() => readBenchOptions(['--runs', '200'])).toThrow(
      '--runs 200 is not a whole number from 1 to 99.',
    );
    expect(() => readBenchOptions(['--systems', 'openvpn'])).toThrow(/openvpn is not one of tincan, direct/);
  });
});
