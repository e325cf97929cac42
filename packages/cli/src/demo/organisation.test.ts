import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { organisationDirectory } from './organisation.ts';

test.each([
  ['a clone, bundled', 'clone/dist/cachelane.cjs', 'clone'],
  ['a clone, from source', 'clone/packages/cli/src/main.ts', 'clone'],
  ['a project with the package installed', 'web/node_modules/cachelane/dist/cachelane.cjs', null],
  ['a project with a folder like ours', 'web/packages/cli/dist/cachelane.cjs', null],
  ['elsewhere', 'web/tools/bin/cachelane/main.cjs', null],
])('the page of the program’s clone is played: %s', (_, file, clone) => {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'cachelane-organisation-')));
  try {
    for (const path of [file, 'clone/examples/organisation/README.md', 'web/examples/organisation/README.md']) {
      mkdirSync(dirname(join(dir, path)), { recursive: true });
      writeFileSync(join(dir, path), '');
    }
    const found = (): string => organisationDirectory({ program: ['node', join(dir, file)] });
    if (clone === null) expect(found).toThrow('this program is not in one');
    else expect(found()).toBe(join(dir, clone, 'examples/organisation'));
  } finally {
    rmSync(dir, { recursive: true });
  }
});
