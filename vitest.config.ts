import { readFileSync } from 'node:fs';
import { defineConfig, type Plugin } from 'vitest/config';

/** What esbuild does for the products: `import text from './x.css' with { type: 'text' }` gives the file's text. */
const textAssets: Plugin = {
  name: 'text-assets',
  enforce: 'pre',
  async resolveId(source, importer) {
    if (!/\/page(\.css|-[a-z]+\.js)$/.test(source)) return null;
    const found = await this.resolve(source, importer, { skipSelf: true });
    return found && `\0text:${found.id}.txt`;
  },
  load(id) {
    if (!id.startsWith('\0text:')) return null;
    return `export default ${JSON.stringify(readFileSync(id.slice(6, -4), 'utf8'))};`;
  },
};

const tier = (name: string, extra: object = {}) => ({
  plugins: [textAssets],
  test: { name, include: [`test/${name}/**/*.test.ts`], ...extra },
});

/**
 * End to end, real processes meet in real time on a machine that others may load: one more try there tells a moment's
 * want of processor time from a fault. It is shown as "retry x1". At a desk there is none, so that a weakness is seen.
 */
const e2eRetry = process.env['CI'] ? 1 : 0;

export default defineConfig({
  test: {
    projects: [
      tier('architecture'),
      tier('unit'),
      tier('contract', { testTimeout: 20_000 }),
      tier('integration', { testTimeout: 30_000 }),
      tier('tools', { testTimeout: 180_000 }),
      tier('e2e', { testTimeout: 120_000, hookTimeout: 60_000, fileParallelism: false, retry: e2eRetry }),
    ],
  },
});
