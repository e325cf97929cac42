import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sandbox } from '../cli-process.fixture.ts';

// By Node itself: within a test, the test runner would look for modules, and finds our own.

test('a catalog in code whose SDK is not there says what to install', async () => {
  using box = sandbox();
  const code = `import { defineCatalog } from '@cachelane/sdk'; export default defineCatalog({ volumes: {} });`;
  writeFileSync(join(box.project, 'c.ts'), code);
  const end = await box.cachelane('catalog', 'publish', 'c.ts', '-n', 'github.com/acme');
  expect(end).toMatchObject({ code: 2, stdout: '' });
  expect(end.stderr).toContain(`c.ts cannot be run: Cannot find package '@cachelane/sdk'`);
  expect(end.stderr).toContain('install @cachelane/sdk');
});
