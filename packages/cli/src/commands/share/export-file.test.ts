import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { stage } from '../../fixtures/staged-host.fixture.ts';

test.each([
  ['-', 'an export cannot be written to standard output\n  name a file: -o FILE\n'],
  ['dir', 'dir: it is a directory\n  name a file\n'],
  ['/dev/null', 'cannot write /dev/null: it is not a regular file\n  name a file\n'],
])('an export to %s is refused', async (output, why) => {
  using on = stage();
  mkdirSync(join(on.project, 'dir'));
  expect(await on.cachelane('export', 'npm', '-o', output)).toBe(2);
  expect(on.err()).toContain(why);
});

test('an empty file is not imported', async () => {
  using on = stage();
  writeFileSync(join(on.project, 'file'), '');
  expect(await on.cachelane('import', 'file')).toBe(2);
  expect(on.err()).toMatch(/file is empty\n {2}copy the file again, or name another\n$/);
});

test('a missing query document has a reason and a next step', async () => {
  using on = stage();
  expect(await on.cachelane('query', 'nosuch')).toBe(1);
  expect(on.err()).toMatch(/cannot read "nosuch": there is no such file\n {2}name a file with a GraphQL document/);
});
