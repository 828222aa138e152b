import { defineConfig } from 'vitest/config';

const tier = (name: string, extra: object = {}) => ({
  test: { name, include: [`test/${name}/**/*.test.ts`], ...extra },
});

export default defineConfig({
  test: {
    projects: [
      tier('architecture'),
      tier('unit'),
      tier('contract', { testTimeout: 20_000 }),
      tier('integration', { testTimeout: 30_000 }),
      tier('e2e', { testTimeout: 120_000, hookTimeout: 60_000, fileParallelism: false }),
    ],
  },
});
