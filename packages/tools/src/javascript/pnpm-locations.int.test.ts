import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fetchTool } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { locations, type Setting } from '../locations.fixture.ts';
import { pnpmTool } from './pnpm.ts';

const require = createRequire(import.meta.url);
const pnpm10 = join(dirname(require.resolve('pnpm-10')), 'bin/pnpm.cjs');
const pnpm11 = join(dirname(require.resolve('pnpm-11')), 'bin/pnpm.mjs');
const pnpm12 = fetchTool({ name: 'pnpm', version: '12.21.0', program: 'pnpm/bin/pnpm.mjs' });

const workspace = (line: string): Readonly<Record<string, string>> => ({
  'project/pnpm-workspace.yaml': `packages:\n  - '*'\n${line}\n`,
});

/** Settings that all versions read alike. */
const common: readonly Setting[] = [
  { name: 'nothing is set' },
  { name: 'XDG', env: { XDG_DATA_HOME: '@/x' } },
  { name: 'PNPM_HOME', env: { PNPM_HOME: '@/p', XDG_DATA_HOME: '@/x' } },
  { name: 'both variables', env: { npm_config_store_dir: '@/e', pnpm_config_store_dir: '@/e' } },
  { name: 'both variables in capitals', env: { NPM_CONFIG_STORE_DIR: '@/e', PNPM_CONFIG_STORE_DIR: '@/e' } },
  { name: 'both variables, relative', env: { npm_config_store_dir: 'e', pnpm_config_store_dir: 'e' } },
  { name: 'both variables from home', env: { npm_config_store_dir: '~/e', pnpm_config_store_dir: '~/e' } },
  { name: 'both variables, empty', env: { npm_config_store_dir: '', pnpm_config_store_dir: '' } },
  { name: 'the workspace', files: workspace('storeDir: "@/y" # here') },
  { name: 'the workspace, relative', files: workspace("storeDir: 'y'"), workDir: 'project/a' },
  { name: 'the workspace with a variable', files: workspace('storeDir: ${FOO}/y'), env: { FOO: '@/foo' } },
  {
    name: 'the workspace and a user',
    files: {
      ...workspace('storeDir: @/y'),
      '.config/pnpm/rc': 'store-dir=@/r',
      '.config/pnpm/config.yaml': 'storeDir: @/c',
    },
  },
];

const old: readonly Setting[] = [
  { name: 'a variable of pnpm 11', env: { PNPM_CONFIG_STORE_DIR: '@/e' } },
  { name: 'a variable and the workspace', env: { npm_config_store_dir: '@/e' }, files: workspace('storeDir: @/y') },
  { name: 'the project', files: { 'project/.npmrc': 'store-dir=@/n', '.npmrc': 'store-dir=@/u' } },
  {
    name: 'a variable and the project',
    env: { npm_config_store_dir: '@/e' },
    files: { 'project/.npmrc': 'store-dir=@/n' },
  },
  { name: 'the user', files: { '.npmrc': 'store-dir=@/u', '.config/pnpm/rc': 'store-dir=@/r' } },
  {
    name: 'pnpm of the user',
    files: { '.config/pnpm/rc': 'store-dir=@/r', '.config/pnpm/config.yaml': 'storeDir: @/c' },
  },
  { name: 'pnpm of the user, elsewhere', files: { 'x/pnpm/rc': 'store-dir=@/r' }, env: { XDG_CONFIG_HOME: '@/x' } },
];

const recent: readonly Setting[] = [
  { name: 'a variable of pnpm 10', env: { npm_config_store_dir: '@/e' } },
  { name: 'a variable and the workspace', env: { PNPM_CONFIG_STORE_DIR: '@/e' }, files: workspace('storeDir: @/y') },
  { name: 'files of npm', files: { 'project/.npmrc': 'store-dir=@/n', '.npmrc': 'store-dir=@/u' } },
  {
    name: 'pnpm of the user',
    files: { '.config/pnpm/rc': 'store-dir=@/r', '.config/pnpm/config.yaml': 'storeDir: @/c' },
  },
  {
    name: 'pnpm of the user, elsewhere',
    files: { 'x/pnpm/config.yaml': 'storeDir: @/c' },
    env: { XDG_CONFIG_HOME: '@/x' },
  },
];

const programs = [
  { name: 'pnpm 10', program: pnpm10, format: 'v10', asked: 'pnpm@10.34.9', settings: [...common, ...old] },
  { name: 'pnpm 11', program: pnpm11, format: 'v11', asked: undefined, settings: [...common, ...recent] },
  ...(pnpm12 === null
    ? []
    : [{ name: 'pnpm 12', program: pnpm12, format: 'v11', asked: undefined, settings: [...common, ...recent] }]),
];

describe.each(programs)('$name reports the store that we find', ({ program, format, asked, settings }) => {
  // A plain @ would become the home directory.
  const manifest = JSON.stringify({ name: 'app', packageManager: asked }).replace('@', String.raw`\u0040`);

  function places(setting: Setting): readonly [string, string | undefined] {
    const files = { 'project/package.json': manifest, ...setting.files };
    return locations(pnpmTool, { ...setting, files }, [process.execPath, program, 'store', 'path']);
  }

  test.each(settings)('$name', (setting) => {
    const [said, found] = places(setting);
    // The reported path includes the format; all formats are in one volume.
    expect(said).toBe(join(String(found), format));
    expect(dirname(said)).toBe(found);
  });

  test('a redirect', () => {
    const [said] = places({ name: 'redirect', env: pnpmTool.redirect('/somewhere/else') ?? {} });
    expect(said).toBe(`/somewhere/else/${format}`);
  });

  test('a directory that is already the store of this format', () => {
    const dir = `@/s/${format}`;
    const [said, found] = places({ name: 'format', env: { npm_config_store_dir: dir, pnpm_config_store_dir: dir } });
    expect(found).toBe(said);
  });
});
