import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

const sources = 'packages/*/src/**';
// Limits for tests that hang. On a busy machine seconds become minutes.
const roomy = { testTimeout: 300_000, hookTimeout: 300_000 };
// Those tests run compilers in parallel.
const roomier = { testTimeout: 600_000, hookTimeout: 600_000 };

export default defineConfig({
  test: {
    // More workers than processors: integration tests spend more than half of their time waiting for processes.
    maxWorkers: availableParallelism() * 2 + 1,
    pool: 'forks',
    passWithNoTests: false,
    reporters: ['default', './scripts/count-reporter.ts'],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: [`${sources}/*.test.ts`],
          exclude: [`${sources}/*.{int,sim,stress}.test.ts`],
          // The slowest property with a database takes five seconds on an idle machine.
          testTimeout: 60_000,
          // Loading the same modules for each file takes as long as the tests. No module keeps state between tests.
          isolate: false,
        },
      },
      { extends: true, test: { name: 'sim', include: [`${sources}/*.sim.test.ts`], ...roomy } },
      {
        extends: true,
        test: { name: 'int', include: [`${sources}/*.int.test.ts`, 'scripts/*.int.test.ts'], ...roomy },
      },
      {
        extends: true,
        test: { name: 'e2e', include: ['e2e/**/*.int.test.ts'], globalSetup: 'e2e/bundle.fixture.ts', ...roomier },
      },
      {
        extends: true,
        test: {
          name: 'stress',
          include: [`${sources}/*.stress.test.ts`, 'e2e/**/*.stress.test.ts'],
          globalSetup: 'e2e/bundle.fixture.ts',
          ...roomier,
        },
      },
    ],
  },
});
