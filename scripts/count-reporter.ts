import { writeSync } from 'node:fs';
import type { Reporter, SerializedError, TestModule } from 'vitest/node';

/** Counts tests, not files. An error outside any test, like a failing hook, is one failure. */
function countLine(modules: readonly TestModule[], unhandled: readonly SerializedError[]): string {
  const count = { passed: 0, failed: unhandled.length, skipped: 0 };
  for (const module of modules) {
    count.failed += module.errors().length;
    for (const suite of module.children.allSuites()) count.failed += suite.errors().length;
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      // A test that never started has failed. It was not skipped on purpose.
      count[state === 'pending' ? 'failed' : state] += 1;
    }
  }
  const skipped = count.skipped > 0 ? `, ${count.skipped} skipped` : '';
  return `${count.passed} passed, ${count.failed} failed${skipped}\n`;
}

/** Prints `N passed, N failed` as the last line, on exit, after the output of all other reporters. */
export default class CountReporter implements Reporter {
  #line = '0 passed, 0 failed\n';

  onInit(): void {
    process.once('exit', () => writeSync(1, this.#line));
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    this.#line = countLine(modules, unhandled);
  }
}
