import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readRootListing } from '../../../image-build/verify/root-listing.ts';

/** Lines that unsquashfs 4.5.1 printed. */
const LISTING = `drwxr-xr-x 0/0                     123 2026-01-01 00:00 squashfs-root
-rwsr-xr-x 0/0                   70760 2025-04-19 10:20 squashfs-root/usr/bin/chfn
-rwxr-sr-x 0/42                  67768 2025-06-29 17:40 squashfs-root/usr/sbin/unix_chkpwd
drwxrwxrwt 0/0                       3 2026-01-01 00:00 squashfs-root/tmp
lrwxrwxrwx 0/0                       7 2026-01-01 00:00 squashfs-root/bin -> usr/bin
crw-rw-rw- 0/0                  1,   3 2026-01-01 00:00 squashfs-root/dev/null
-rw-r----- 0/42                    500 2026-01-01 00:00 squashfs-root/a file with spaces
-rwSr--r-T 1000/1000                 0 2026-01-01 00:00 squashfs-root/odd
`;

describe('the listing of a squashfs', () => {
  it('is read with kinds, modes, owners and targets', () => {
    const entries = readRootListing(LISTING);
    expect(entries.map(({ path, kind, mode }) => [path, kind, mode.toString(8)])).toEqual([
      ['', 'directory', '755'],
      ['usr/bin/chfn', 'file', '4755'],
      ['usr/sbin/unix_chkpwd', 'file', '2755'],
      ['tmp', 'directory', '1777'],
      ['bin', 'link', '777'],
      ['dev/null', 'other', '666'],
      ['a file with spaces', 'file', '640'],
      ['odd', 'file', '5644'],
    ]);
    expect(entries[4]?.target).toBe('usr/bin');
    expect(entries[2]).toMatchObject({ uid: 0, gid: 42, bytes: 67_768 });
    expect(entries[7]).toMatchObject({ uid: 1000, gid: 1000 });
  });

  it('of any text is read without harm', () => {
    fc.assert(fc.property(fc.string(), (text) => Array.isArray(readRootListing(text))));
  });
});
