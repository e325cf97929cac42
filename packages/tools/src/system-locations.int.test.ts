import { requireCommands } from '@cachelane/testkit';
import { expect, test } from 'vitest';
import { ccacheTool } from './native/ccache.ts';
import { locations, type Setting } from './locations.fixture.ts';
import { pipTool } from './python/pip.ts';

function conf(dir: string): string {
  return `[global]\ncache-dir = ${dir}\n`;
}

requireCommands('ccache')('ccache reports the cache directory that we find', () => {
  test.each<Setting>([
    { name: 'nothing is set' },
    { name: 'the environment', env: { CCACHE_DIR: '@/c' }, files: { '.config/ccache/ccache.conf': 'cache_dir = @/f' } },
    { name: 'the environment, empty', env: { CCACHE_DIR: '' } },
    { name: 'XDG', env: { XDG_CACHE_HOME: '@/x' } },
    {
      name: 'the user',
      files: { '.config/ccache/ccache.conf': '# cache_dir = @/0\ncache_dir = $HOME/1\ncache_dir=${HOME}/f' },
    },
    {
      name: 'the user, elsewhere',
      env: { XDG_CONFIG_HOME: '@/x' },
      files: { 'x/ccache/ccache.conf': 'cache_dir = @/f' },
    },
    { name: 'a settings file', env: { CCACHE_CONFIGPATH: '@/conf' }, files: { conf: 'cache_dir = @/f' } },
    {
      name: 'an empty settings file',
      env: { CCACHE_CONFIGPATH: '@/conf' },
      files: { conf: 'max_size = 1G' },
    },
    { name: 'a legacy directory', files: { '.ccache/ccache.conf': 'max_size = 1G' } },
    { name: 'a legacy directory with another cache_dir', files: { '.ccache/ccache.conf': 'cache_dir = @/f' } },
    { name: 'a redirect', env: ccacheTool.redirect('@/c') ?? {} },
  ])('$name', (setting) => {
    const [said, found] = locations(ccacheTool, setting, ['ccache', '--get-config', 'cache_dir']);
    expect(found).toBe(said);
  });
});

requireCommands('pip3')('pip reports the cache directory that we find', () => {
  test.each<Setting>([
    { name: 'nothing is set' },
    { name: 'the environment', env: { PIP_CACHE_DIR: '@/c' }, files: { '.config/pip/pip.conf': conf('@/u') } },
    { name: 'the environment, relative', env: { PIP_CACHE_DIR: 'c' } },
    { name: 'the environment, from home', env: { PIP_CACHE_DIR: '~/c' } },
    { name: 'the environment, empty', env: { PIP_CACHE_DIR: '' } },
    { name: 'XDG', env: { XDG_CACHE_HOME: '@/x' } },
    {
      name: 'a file',
      env: { PIP_CONFIG_FILE: '@/conf' },
      files: { conf: conf('@/f'), '.config/pip/pip.conf': conf('@/u') },
    },
    { name: 'no file', env: { PIP_CONFIG_FILE: '/dev/null' }, files: { '.config/pip/pip.conf': conf('@/u') } },
    { name: 'the user', files: { '.config/pip/pip.conf': conf('@/u'), '.pip/pip.conf': conf('@/l') } },
    { name: 'the user, elsewhere', env: { XDG_CONFIG_HOME: '@/x' }, files: { 'x/pip/pip.conf': conf('@/u') } },
    { name: 'the legacy file of the user', files: { '.pip/pip.conf': '[global]\ncache_dir: ~/l' } },
    { name: 'the system', env: { XDG_CONFIG_DIRS: '@/x' }, files: { 'x/pip/pip.conf': conf('@/s') } },
    { name: 'a redirect', env: pipTool.redirect('@/c') ?? {} },
  ])('$name', (setting) => {
    const [said, found] = locations(pipTool, setting, ['/usr/bin/python3', '-m', 'pip', 'cache', 'dir']);
    expect(found).toBe(said);
  });
});
