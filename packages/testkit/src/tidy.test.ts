import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { crowdedFolders, importCycles } from './import-cycles.ts';
import { worldAllowed } from './tidy-allowed.ts';
import { brokenLinks, isTidyItself, type SourceFile, staleAllowances, tidyRules } from './tidy.ts';

// House rules that no compiler or linter checks. Each is tested with a file that breaks it.

const root = join(import.meta.dirname, '../../..');

const generated = /(^|\/)(node_modules|dist|coverage|\.git|\.build)$/;
const textual = /(\.(ts|json|md|txt|yaml|yml|go|mod)|\/[a-z-]+|^cachelane|^\.ci\/run)$/;

function repositoryFiles(): readonly SourceFile[] {
  const paths = globSync(['*', '.ci/**', 'docs/**', 'e2e/**', 'examples/**', 'packages/**', 'scripts/**'], {
    cwd: root,
    exclude: (path) => generated.test(path),
  });
  return paths
    .filter((path) => textual.test(path) && !path.endsWith('package-lock.json') && statSync(join(root, path)).isFile())
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
}

const files = repositoryFiles();
const rules = tidyRules(worldAllowed);

test('the files of the repository are found', () => {
  const paths = files.map((file) => file.path);
  expect(paths).toContain('packages/testkit/src/tidy.ts');
  expect(paths).toContain('scripts/test');
  expect(paths).toContain('cachelane');
  expect(paths.filter((path) => path.includes('node_modules'))).toEqual([]);
});

describe.each(rules)('$name', ({ name, appliesTo, findings }) => {
  test('the repository is tidy', () => {
    const found = files
      .filter((file) => appliesTo(file.path) && !isTidyItself(file.path))
      .flatMap((file) => findings(file).map((finding) => `${file.path}: ${finding}`));
    expect(found).toEqual([]);
  });

  test('the rule finds a file that breaks it', () => {
    const sample = samples[name];
    expect(sample, 'every rule needs a sample').toBeDefined();
    if (sample === undefined) return;
    expect(appliesTo(sample.path)).toBe(true);
    expect(findings(sample)).toHaveLength(1);
  });
});

const samples: Readonly<Record<string, SourceFile>> = {
  'file length': { path: 'packages/core/src/a.ts', text: 'a;\n'.repeat(401) },
  'file names': { path: 'packages/core/src/layerStore.ts', text: '' },
  'default exports': { path: 'packages/core/src/a.ts', text: 'export default 1;' },
  barrels: { path: 'packages/core/src/lanes/index.ts', text: "export { a } from './a.ts';" },
  console: { path: 'packages/core/src/a.ts', text: '  console.log(1);' },
  'clock, randomness, environment': { path: 'packages/core/src/a.ts', text: '// Date.now\nconst t = Date.now();' },
  'unrepeatable tests': { path: 'packages/core/src/a.test.ts', text: 'const n = Math.random();' },
  'left-out tests': { path: 'packages/core/src/a.test.ts', text: "test.skip('later', () => {});" },
  drivers: { path: 'packages/cli/src/run.ts', text: "const store = await import('@cachelane/store');" },
  pages: { path: 'docs/a.md', text: 'word '.repeat(33) },
  'unfinished work': { path: 'docs/a.md', text: 'TODO' },
  'paths of one machine': { path: 'docs/a.md', text: 'see `/root/notes`' },
};

test('every allowed file still needs its exception', () => {
  expect(staleAllowances(files, worldAllowed)).toEqual([]);
});

test('the docs stay short', () => {
  const docs = files.filter((file) => file.path.startsWith('docs/'));
  expect(docs.length).toBeGreaterThan(10);
  expect(docs.reduce((sum, file) => sum + Buffer.byteLength(file.text), 0)).toBeLessThan(200_000);
});

const read = (path: string): string | undefined => files.find((file) => file.path === path)?.text;

describe('links in documents', () => {
  test('every link has a target', () => {
    const found = files
      .filter((file) => file.path.endsWith('.md'))
      .flatMap((file) =>
        brokenLinks(file, read, (path) => existsSync(join(root, path))).map((link) => `${file.path}: ${link}`),
      );
    expect(found).toEqual([]);
  });

  test('a missing file and a missing heading are found', () => {
    const page = { path: 'docs/a.md', text: '# One\n[x](#one) [y](#two) [z](b.md) [w](../README.md)\n`[v](c.md)`' };
    const known = new Map([
      ['docs/a.md', page.text],
      ['README.md', ''],
    ]);
    expect(
      brokenLinks(
        page,
        (path) => known.get(path),
        (path) => known.has(path),
      ),
    ).toEqual(['#two: no such heading', 'b.md: no such file']);
  });
});

const file = (path: string, text = ''): SourceFile => ({ path, text });

describe('the folders of a package', () => {
  const sources = files.filter(
    ({ path }) => /^packages\/[^/]+\/src\/.*\.ts$/.test(path) && !/\.(test|fixture)\.ts$/.test(path),
  );
  const packages = [...new Set(sources.map(({ path }) => path.split('/')[1] ?? ''))].toSorted();

  test.each(packages)('%s has no import cycles and no crowded folder', (name) => {
    const own = sources.filter(({ path }) => path.startsWith(`packages/${name}/`));
    const cycles = importCycles(own);
    expect([...cycles, ...crowdedFolders(own, 20)]).toEqual([]);
  });

  test('a cycle between files is found, types included', () => {
    const two = [file('a/x.ts', "import type { Y } from './y.ts';"), file('a/y.ts', "import { x } from './x.ts';")];
    expect(importCycles(two)).toEqual(['a/x.ts -> a/y.ts -> a/x.ts']);
  });

  test('a cycle between folders is found without one between files', () => {
    const three = [
      file('a/x.ts', "import { y } from '../b/y.ts';"),
      file('b/y.ts'),
      file('b/z.ts', "export * from '../a/w.ts';"),
      file('a/w.ts'),
    ];
    expect(importCycles(three)).toEqual(['a -> b -> a']);
  });

  test('a folder with too many files is found', () => {
    expect(crowdedFolders([file('a/x.ts'), file('a/y.ts'), file('b/z.ts')], 1)).toEqual(['a: 2 files']);
  });
});
