import { describe, expect, it } from 'vitest';
import { billOfMaterials, installedPackages } from '../../../image-build/image/bill-of-materials.ts';
import { boardNamed } from '../../../image-build/image/board.ts';

const STATUS = `Package: jq
Status: install ok installed
Architecture: arm64
Version: 1:1.7.1-6
Source: jq-src (1.7)
Description: a filter
 Package: not-a-field

Package: grub-common
Status: deinstall ok config-files
Architecture: arm64
Version: 2.12
`;
const HASH = 'ab'.repeat(32);

describe('the bill of materials', () => {
  it('has what is installed, not what was removed', () => {
    expect(installedPackages(STATUS)).toEqual([
      { name: 'jq', version: '1:1.7.1-6', architecture: 'arm64', source: 'jq-src (1.7)' },
    ]);
  });

  it('names packages as other tools do, with the hashes of what was downloaded', () => {
    const facts = {
      board: boardNamed('rpi-arm64'),
      version: '0.1.0',
      epoch: 1_767_225_600,
      dpkgStatus: STATUS,
      locked: [{ name: 'jq', version: '1:1.7.1-6', architecture: 'arm64' as const, sha256: HASH }],
      npm: [{ name: '@x/y', version: '1.0.0', license: 'MIT' }],
    };
    const bill = JSON.parse(billOfMaterials(facts));
    expect(bill.metadata.timestamp).toBe('2026-01-01T00:00:00.000Z');
    expect(bill.components).toMatchObject([
      {
        purl: 'pkg:deb/debian/jq@1%3A1.7.1-6?arch=arm64&distro=debian-13',
        hashes: [{ alg: 'SHA-256', content: HASH }],
      },
      { purl: 'pkg:npm/%40x/y@1.0.0', licenses: [{ expression: 'MIT' }] },
    ]);
    expect(billOfMaterials(facts)).toBe(billOfMaterials(facts));
  });
});

describe('boards', () => {
  it('that do not exist are answered with those that do', () => {
    expect(() => boardNamed('rpi')).toThrow(/no board "rpi".*rpi-arm64.*generic-x86_64.*edison-x86_64/);
  });
});
