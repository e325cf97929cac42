import { requireCommands } from '@cachelane/testkit';
import { expect, test } from 'vitest';
import { goBuildTool } from './go/go-build.ts';
import { goModTool } from './go/go-mod.ts';
import { locations, type Setting } from './locations.fixture.ts';
import { npmTool } from './javascript/npm.ts';

requireCommands('npm')('npm reports the cache directory that we find', () => {
  test.each<Setting>([
    { name: 'nothing is set' },
    { name: 'the environment', env: { npm_config_cache: '@/c' }, files: { 'project/.npmrc': 'cache=@/p' } },
    { name: 'the environment in capitals', env: { NPM_CONFIG_CACHE: '@/c/../d/' } },
    { name: 'the environment, empty', env: { npm_config_cache: '' }, files: { '.npmrc': 'cache=@/u' } },
    { name: 'the project', files: { 'project/.npmrc': 'cache=~/p', '.npmrc': 'cache=@/u' } },
    { name: 'the user', files: { '.npmrc': 'cache=${HOME}/${NONE?}u/${NONE}' } },
    { name: 'escapes', files: { '.npmrc': 'cache=@/a\\;b/\\\\${HOME}/c;d' } },
    { name: 'quotes', files: { '.npmrc': 'cache="@/a b/\\\\${HOME}" \nother=\'x\'' } },
    { name: 'broken quotes', files: { '.npmrc': 'cache="@/a\\${HOME}"' } },
    { name: 'an empty value', files: { '.npmrc': 'cache=' } },
    {
      name: 'comments, sections and repeats',
      files: { '.npmrc': 'cache=@/1\n;cache=@/2\n #cache=@/3\ncache=@/4 # 4\r\n[s]\ncache=@/5' },
    },
    {
      name: 'a path that is relative',
      files: { 'project/package.json': '{}', 'project/.npmrc': 'cache=.npm' },
      workDir: 'project/a',
    },
    {
      name: 'another file of the user’s',
      env: { npm_config_userconfig: '@/other' },
      files: { other: 'cache=@/o', '.npmrc': 'cache=@/u' },
    },
    { name: 'another prefix', files: { '.npmrc': 'prefix=@/global', 'global/etc/npmrc': 'cache=@/g' } },
    { name: 'another global file', env: { npm_config_globalconfig: '@/g' }, files: { g: 'cache=@/g' } },
    {
      name: 'a project inside another one',
      files: { 'project/package.json': '{}', 'project/.npmrc': 'cache=@/p', 'project/a/package.json': '{}' },
      workDir: 'project/a/b',
    },
    {
      name: 'installed packages in the home directory',
      files: { 'node_modules/.package-lock.json': '{}', '.npmrc': 'cache=@/u' },
    },
  ])('$name', (setting) => {
    const [said, found] = locations(npmTool, setting, ['npm', 'config', 'get', 'cache']);
    expect(found).toBe(said);
  });

  test('a workspace member', () => {
    const files = {
      'project/package.json': '{"workspaces":["packages/*"]}',
      'project/.npmrc': 'cache=@/p',
      'project/packages/a/package.json': '{"name":"a","version":"1.0.0"}',
      'project/packages/a/.npmrc': 'cache=@/wrong',
    };
    const setting = { name: 'workspace', files, workDir: 'project/packages/a' };
    // 'npm config get' does not answer there.
    const [said, found] = locations(npmTool, setting, ['npm', 'exec', '--call', 'printenv npm_config_cache']);
    expect(found).toBe(said);
  });
});

requireCommands('go')('Go reports the cache directories that we find', () => {
  const settings: readonly Setting[] = [
    { name: 'nothing is set' },
    {
      name: 'the environment',
      env: { GOCACHE: '@/c', GOMODCACHE: '@/m' },
      files: { '.config/go/env': 'GOCACHE=/f\n' },
    },
    { name: 'go env -w', files: { '.config/go/env': 'GOCACHE=/f\n#GOCACHE=/g\nGOMODCACHE=/m' } },
    { name: 'XDG', env: { XDG_CACHE_HOME: '@/x', XDG_CONFIG_HOME: '@/y' }, files: { 'y/go/env': 'GOMODCACHE=/m' } },
    { name: 'GOENV', env: { GOENV: '@/e' }, files: { e: 'GOCACHE=/f' } },
    { name: 'GOENV off', env: { GOENV: 'off' }, files: { '.config/go/env': 'GOCACHE=/f' } },
    { name: 'GOPATH', env: { GOPATH: '@/a:@/b' } },
    { name: 'GOPATH by go env -w', files: { '.config/go/env': 'GOPATH=/p' } },
  ];

  test.each(settings)('build cache: $name', (setting) => {
    const [said, found] = locations(goBuildTool, setting, ['go', 'env', 'GOCACHE']);
    expect(found).toBe(said);
  });

  test.each(settings)('modules: $name', (setting) => {
    const [said, found] = locations(goModTool, setting, ['go', 'env', 'GOMODCACHE']);
    expect(found).toBe(said);
  });
});
