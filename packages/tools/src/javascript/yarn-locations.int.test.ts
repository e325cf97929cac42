import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { locations, type Setting } from '../locations.fixture.ts';
import { yarnTool } from './yarn.ts';

const require = createRequire(import.meta.url);
const yarn = join(dirname(require.resolve('@yarnpkg/cli-dist/package.json')), 'bin/yarn.js');

const settings: readonly Setting[] = [
  { name: 'nothing is set' },
  { name: 'the environment', env: { YARN_GLOBAL_FOLDER: '@/g', YARN_CACHE_FOLDER: '@/c' } },
  { name: 'the environment, relative', env: { YARN_GLOBAL_FOLDER: 'g' } },
  {
    name: 'the environment and the project',
    env: { YARN_GLOBAL_FOLDER: '@/g' },
    files: { 'project/.yarnrc.yml': 'globalFolder: @/y' },
  },
  { name: 'XDG', env: { XDG_DATA_HOME: '@/x' } },
  {
    name: 'the project',
    files: { 'project/.yarnrc.yml': 'globalFolder: "@/y"', '.yarnrc.yml': 'globalFolder: "@/u"' },
  },
  { name: 'the project, relative', files: { 'project/.yarnrc.yml': "globalFolder: './y'" }, workDir: 'project/a' },
  { name: 'a variable', files: { 'project/.yarnrc.yml': 'globalFolder: "${FOO}/y"' }, env: { FOO: '@/foo' } },
  { name: 'a variable that is not there', files: { 'project/.yarnrc.yml': 'globalFolder: "${FOO:-@/other}/y"' } },
  { name: 'the user', files: { '.yarnrc.yml': 'globalFolder: ./u' } },
  {
    name: 'another name of the file',
    files: { 'project/.other.yml': 'globalFolder: ./y' },
    env: { YARN_RC_FILENAME: '.other.yml' },
  },
];

describe('yarn reports the global folder that we find', () => {
  const lockfile = { 'project/package.json': '{"name":"app"}', 'project/yarn.lock': '__metadata:\n  version: 8\n' };

  test.each(settings)('$name', (setting) => {
    const files = { ...lockfile, ...setting.files };
    const argv = [process.execPath, yarn, 'config', 'get', 'globalFolder'] as const;
    const [said, found] = locations(yarnTool, { ...setting, files }, argv);
    expect(found).toBe(said);
  });

  test('a redirect moves its archives', () => {
    const setting = { name: 'redirect', env: yarnTool.redirect('/somewhere/else') ?? {}, files: lockfile };
    const [said] = locations(yarnTool, setting, [process.execPath, yarn, 'config', 'get', 'cacheFolder']);
    expect(said).toBe('/somewhere/else/cache');
  });
});
