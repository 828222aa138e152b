import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { openDiskFileStore } from '../../agent/adapters/disk-file-store.ts';
import { MemoryFileStore } from '../fakes/memory-file-store.ts';
import { fileStoreSuite } from './file-store.suite.ts';

describe('the file store in memory', () => {
  fileStoreSuite(() => new MemoryFileStore());
});

describe('the file store on the disk', () => {
  let directory: string;
  let opened = 0;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'tincan-store-'));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  fileStoreSuite(() => openDiskFileStore(join(directory, String(opened++))));
});
