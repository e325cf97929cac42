import { fetchTool } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { bunTool } from './bun.ts';
import { locations, type Setting } from '../locations.fixture.ts';

const platform = `${process.platform}-${process.arch === 'arm64' ? 'aarch64' : process.arch}`;
const bun = fetchTool({ name: 'bun', version: '1.4.5', program: `@oven/bun-${platform}/bin/bun` });

const manifest = { 'project/package.json': '{"name":"app"}' };
const bunfig = (dir: string): string => `[install.cache]\ndir = "${dir}"\n`;

const settings: readonly Setting[] = [
  { name: 'nothing is set' },
  { name: 'the environment', env: { BUN_INSTALL_CACHE_DIR: '@/c' }, files: { 'project/bunfig.toml': bunfig('@/t') } },
  { name: 'the environment, relative', env: { BUN_INSTALL_CACHE_DIR: 'c' }, workDir: 'project/a' },
  { name: 'the environment, empty', env: { BUN_INSTALL_CACHE_DIR: '', BUN_INSTALL: '' } },
  { name: 'BUN_INSTALL', env: { BUN_INSTALL: '@/b', XDG_CACHE_HOME: '@/x' } },
  { name: 'XDG', env: { XDG_CACHE_HOME: '@/x' } },
  { name: 'the project', files: { 'project/bunfig.toml': bunfig('@/t'), '.bunfig.toml': bunfig('@/u') } },
  { name: 'the project and BUN_INSTALL', files: { 'project/bunfig.toml': bunfig('@/t') }, env: { BUN_INSTALL: '@/b' } },
  { name: 'the project, relative', files: { 'project/bunfig.toml': bunfig('t') }, workDir: 'project/a' },
  { name: 'the project, from home', files: { 'project/bunfig.toml': bunfig('~/t') } },
  { name: 'the project, short form', files: { 'project/bunfig.toml': "[install]\ncache = '@/t'\n" } },
  { name: 'the project, inline table', files: { 'project/bunfig.toml': '[install]\ncache = { dir = "@/t" }\n' } },
  { name: 'the project with dots', files: { 'project/bunfig.toml': 'install.cache.dir = "@/t"\n' } },
  { name: 'the user', files: { '.bunfig.toml': bunfig('@/u'), 'project/.npmrc': 'cache=@/n' } },
  { name: 'the user, elsewhere', files: { 'x/.bunfig.toml': bunfig('@/u') }, env: { XDG_CONFIG_HOME: '@/x' } },
  {
    name: 'npm of the project',
    files: { 'project/.npmrc': 'cache=${FOO}/n', '.npmrc': 'cache=@/m' },
    env: { FOO: '@/f' },
  },
  { name: 'npm of the user', files: { '.npmrc': 'cache=~/m' }, env: { BUN_INSTALL: '@/b' } },
  {
    name: 'a workspace member',
    files: {
      'project/package.json': '{"workspaces":["packages/*"]}',
      'project/packages/a/package.json': '{"name":"a"}',
      'project/bunfig.toml': bunfig('t'),
    },
    workDir: 'project/packages/a',
  },
];

describe.skipIf(bun === null)('bun reports the cache directory that we find', () => {
  const program = String(bun);

  test.each(settings)('$name', (setting) => {
    const files = { ...manifest, ...setting.files };
    const [said, found] = locations(bunTool, { ...setting, files }, [program, 'pm', 'cache']);
    expect(found).toBe(said);
  });

  test('a redirect', () => {
    const setting = { name: 'redirect', env: bunTool.redirect('/somewhere/else') ?? {}, files: manifest };
    expect(locations(bunTool, setting, [program, 'pm', 'cache'])).toEqual(['/somewhere/else', '/somewhere/else']);
  });
});
