import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { errorCodes } from '@cachelane/core';
import { schemaText } from '@cachelane/protocol';
import { tools } from '@cachelane/tools';
import { publint } from 'publint';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withoutComments } from './sdk/declarations.ts';
import { examplesIn } from './sdk/examples.ts';
import { generateSdk, generatedFile } from './sdk/generate.ts';
import { exec, packSdk, readText, root, typeErrors, type CheckedFor, type PackedSdk } from './sdk/pack.fixture.ts';

const toolNames = tools.map(({ name }) => name);
const operations = readText(root, 'packages/sdk/operations.graphql');

describe('generated files', () => {
  test('match the schema and the operations', () => {
    const files = generateSdk({ schemaText, operations, errorCodes, toolNames });
    expect(files.size).toBe(5);
    for (const [name, text] of files) expect(generatedFile(name), name).toBe(text);
  });

  test('fail for an operation that the schema does not have', () => {
    const wrong = 'query wrong { context { nonsense } }';
    expect(() => generateSdk({ schemaText, operations: wrong, errorCodes, toolNames })).toThrow('nonsense');
  });
});

describe('the package', () => {
  let dir: string;
  let sdk: PackedSdk;

  beforeAll(async () => {
    dir = realpathSync(mkdtempSync(join(tmpdir(), 'cachelane-sdk-')));
    sdk = await packSdk(dir);
  });
  afterAll(() => {
    rmSync(dir, { recursive: true });
  });

  const text = (path: string): string => readText(sdk.installed, path);
  /** Throws the compiler's errors. */
  const check = (sources: readonly string[], what: CheckedFor): void => {
    const told = typeErrors(dir, sources, what);
    if (told !== '') throw new Error(told);
  };

  test('has the required files and fields', async () => {
    const { messages } = await publint({ pkgDir: sdk.installed, pack: false, strict: true });
    expect(messages).toEqual([]);
    const manifest = JSON.parse(text('package.json')) as Record<string, unknown>;
    for (const key of ['dependencies', 'devDependencies', 'peerDependencies', 'scripts'])
      expect(manifest).not.toHaveProperty(key);
  });

  test('is not packed from the sources by mistake, and the error names the right script', () => {
    const { status, stderr } = spawnSync('npm', ['pack', '--pack-destination', dir], {
      cwd: join(root, 'packages/sdk'),
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([1, expect.stringContaining('node scripts/bundle-sdk.ts makes the package')]);
  });

  test('has types that modules and bundlers find', async () => {
    const analysis = await checkPackage(createPackageFromTarballData(new Uint8Array(readFileSync(sdk.tarball))));
    if (analysis.types === false) throw new Error('the package has no types');
    // It is an ES module, so CommonJS resolution does not count.
    const others = new Set(['node10', 'node16-cjs']);
    const problems = analysis.problems.filter(
      (problem) => !('resolutionKind' in problem && others.has(problem.resolutionKind)),
    );
    expect(problems).toEqual([]);
    expect(Object.keys(analysis.entrypoints).toSorted()).toEqual(['.', './node', './package.json']);
  });

  test('exports these types', async () => {
    const paths = globSync('dist/**/*.d.ts', { cwd: sdk.installed }).toSorted();
    const all = paths.map((path) => `// ${path}\n${withoutComments(text(path))}`.replaceAll(/^ +\/\*\*.*\*\/\n/gm, ''));
    await expect(all.join('\n')).toMatchFileSnapshot('../packages/sdk/published-types.txt');
  });

  test('needs neither Node nor other packages in its main entry', () => {
    for (const name of ['index', 'shared'])
      expect(text(`dist/${name}.js`)).not.toMatch(/\bnode:|\bprocess\b|\bBuffer\b/);
    const imports = globSync('dist/*.js', { cwd: sdk.installed }).flatMap((path) =>
      [...text(path).matchAll(/^(?:import|export) .*?from "([^"]+)"/gm)].map(([, from = '']) => from),
    );
    expect(imports.filter((from) => !/^(\.\/|node:)/.test(from))).toEqual([]);
    const loaded = exec(
      process.execPath,
      ['-e', "import('@cachelane/sdk/node').then((m) => console.log(Object.keys(m)))"],
      dir,
    );
    expect(loaded).toContain('connect');
  });

  const inComments = (): readonly string[] =>
    globSync('dist/**/*.d.ts', { cwd: sdk.installed }).flatMap((path) => examplesIn(text(path)));
  const node = { types: ['node'], lib: ['es2024', 'esnext.disposable'] };

  test('has examples that match its types', () => {
    const all = [...inComments(), ...examplesIn(text('README.md'))];
    expect(all.length).toBeGreaterThanOrEqual(12);
    check(all, node);
  });

  test('has a main entry that a program without Node can use', () => {
    const all = [...inComments(), ...examplesIn(text('README.md'))].filter(
      (code) => !code.includes('@cachelane/sdk/node'),
    );
    expect(all.length).toBeGreaterThanOrEqual(3);
    check(all, { types: [], lib: ['es2024', 'esnext.disposable', 'dom', 'dom.asynciterable'] });
  });

  test('has an example check that finds errors', () => {
    const wrong = "import { connect } from '@cachelane/sdk/node';\nawait (await connect()).cacheVolume(7).id();";
    expect(() => {
      check([wrong], node);
    }).toThrow('TS2345');
  });
});
