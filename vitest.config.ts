import { defineConfig } from 'vitest/config';

const sources = 'packages/*/src/**';
// For what hangs. A machine may be busy with something else, and seconds become minutes: with twenty processes to a processor they did.
const roomy = { testTimeout: 300_000, hookTimeout: 300_000 };
// Compilers run in parallel there.
const roomier = { testTimeout: 600_000, hookTimeout: 600_000 };

export default defineConfig({
  test: {
    // Three workers, whatever the machine: the integration suites start compilers and package managers of their own, and wait for a part of their time.
    maxWorkers: 3,
    pool: 'forks',
    passWithNoTests: false,
    reporters: ['default', './scripts/count-reporter.ts'],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: [`${sources}/*.test.ts`],
          exclude: [`${sources}/*.{int,sim}.test.ts`],
          // Of properties with databases the slowest take five seconds, on a machine that does nothing else.
          testTimeout: 60_000,
          // Half of the work of these files was to load the same modules, and no module remembers anything that a test could meet.
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
    ],
  },
});
