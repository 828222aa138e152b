import { describe, expect, it } from 'vitest';
import { memoryMapIn } from '../../bench/memory-map.ts';

const SMAPS = `55d0c0000000-55d0c0400000 r-xp 00000000 fe:00 1234                       /usr/bin/node
Size:               4096 kB
Rss:                3000 kB
Private_Dirty:         0 kB
55d0c0400000-55d0c0500000 rw-p 00400000 fe:00 1234                       /usr/bin/node
Rss:                 200 kB
Private_Dirty:       100 kB
55d0c1000000-55d0c2000000 rw-p 00000000 00:00 0                          [heap]
Rss:                7000 kB
Private_Dirty:      6900 kB
7f0000000000-7f0000100000 rw-p 00000000 00:00 0 
Rss:                  64 kB
Private_Dirty:        64 kB
`;

describe('the memory map of a process', () => {
  it('is by file and kind, the largest first', () => {
    expect(memoryMapIn(SMAPS)).toEqual([
      { name: '[heap]', rssKB: 7000, privateDirtyKB: 6900 },
      { name: 'node', rssKB: 3200, privateDirtyKB: 100 },
      { name: '[anonymous]', rssKB: 64, privateDirtyKB: 64 },
    ]);
  });

  it('is empty for a process that has none', () => {
    expect(memoryMapIn('')).toEqual([]);
  });
});
