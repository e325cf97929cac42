import { expect, test } from 'vitest';
import { npmCacheLocation } from './npm-config.ts';
import { environmentOf, type FakeEnvironment } from '../tool-environment.fixture.ts';

const project = '/home/ann/project/.npmrc';
const user = '/home/ann/.npmrc';
const manifest = { '/home/ann/project/package.json': '{}' };

interface Place extends FakeEnvironment {
  readonly name: string;
  readonly path: string;
  readonly source: string;
  readonly byProject?: boolean;
}

const places: readonly Place[] = [
  { name: 'nothing is set', path: '/home/ann/.npm', source: "npm's default" },
  {
    name: 'the environment sets it',
    env: { npm_config_cache: '/c' },
    files: { [project]: 'cache=/p' },
    path: '/c',
    source: 'npm_config_cache in the environment',
  },
  {
    name: 'the environment sets it in capitals',
    env: { NPM_CONFIG_CACHE: '~/c' },
    path: '/home/ann/c',
    source: 'npm_config_cache in the environment',
  },
  {
    name: 'the environment sets empty values',
    env: { npm_config_cache: '' },
    files: { [user]: 'cache=/u' },
    path: '/u',
    source: `cache in ${user}`,
  },
  {
    name: 'the project sets it',
    files: { [project]: 'cache=/p', [user]: 'cache=/u' },
    path: '/p',
    source: `cache in ${project}`,
    byProject: true,
  },
  {
    name: 'a path is relative to npm’s working directory',
    workDir: '/home/ann/project/deep/er',
    files: { ...manifest, [project]: 'cache=.npm' },
    path: '/home/ann/project/deep/er/.npm',
    source: `cache in ${project}`,
    byProject: true,
  },
  {
    name: 'variables are filled in',
    env: { CI_DIR: '/ci' },
    files: { [project]: 'cache = "${CI_DIR}/${NONE?}npm/${NONE}/\\\\${CI_DIR}" ' },
    path: '/ci/npm/${NONE}/${CI_DIR}',
    source: `cache in ${project}`,
    byProject: true,
  },
  {
    name: 'comments and sections are ignored and the last value wins',
    files: { [project]: '; cache=/1\n# cache=/2\ncache=/3\r\ncache = /4 ; four\n[section]\ncache=/5' },
    path: '/4',
    source: `cache in ${project}`,
    byProject: true,
  },
  {
    name: 'the user has another file',
    env: { npm_config_userconfig: '/etc/ann.npmrc' },
    files: { '/etc/ann.npmrc': "cache='/u'" },
    path: '/u',
    source: 'cache in /etc/ann.npmrc',
  },
  {
    name: 'the project names the user’s file',
    files: { [project]: 'userconfig=/etc/ann.npmrc', '/etc/ann.npmrc': 'cache=/u' },
    path: '/u',
    source: 'cache in /etc/ann.npmrc',
    byProject: true,
  },
  {
    name: 'the global file sets it',
    env: { PATH: '/bin:/usr/local/bin' },
    files: { '/usr/local/lib/node_modules/npm/package.json': '{}', '/usr/local/etc/npmrc': 'cache=/g' },
    path: '/g',
    source: 'cache in /usr/local/etc/npmrc',
  },
  {
    name: 'the global file is below another prefix',
    env: { PATH: '/usr/local/bin' },
    files: {
      '/usr/local/lib/node_modules/npm/package.json': '{}',
      [user]: 'prefix=~/.global',
      '/home/ann/.global/etc/npmrc': 'cache=/g',
    },
    path: '/g',
    source: 'cache in /home/ann/.global/etc/npmrc',
  },
  {
    name: 'the packager of npm sets it',
    env: { PATH: '/usr/bin' },
    files: {
      '/usr/lib/node_modules/npm/package.json': '{}',
      '/usr/lib/node_modules/npm/npmrc': 'cache=/var/cache/npm',
    },
    path: '/var/cache/npm',
    source: 'cache in /usr/lib/node_modules/npm/npmrc',
  },
  {
    name: 'the command runs in a workspace member',
    workDir: '/home/ann/project/packages/web/src',
    files: {
      '/home/ann/project/package.json': '{"workspaces":["packages/*"]}',
      '/home/ann/project/packages/web/package.json': '{}',
      '/home/ann/project/packages/web/.npmrc': 'cache=/wrong',
      [project]: 'cache=/p',
    },
    path: '/p',
    source: `cache in ${project}`,
    byProject: true,
  },
  {
    name: 'the project above does not include the directory',
    workDir: '/home/ann/project/examples/web',
    files: {
      '/home/ann/project/package.json': '{"workspaces":{"packages":["./examples/**/","!examples/web"]}}',
      '/home/ann/project/examples/web/package.json': '{}',
      [project]: 'cache=/wrong',
    },
    path: '/home/ann/.npm',
    source: "npm's default",
  },
  {
    name: 'the home directory is the project',
    workDir: '/home/ann',
    files: { '/home/ann/node_modules/.package-lock.json': '{}', [user]: 'cache=/u' },
    path: '/u',
    source: `cache in ${user}`,
  },
  {
    name: 'manifests are broken',
    workDir: '/home/ann/project/web',
    files: { '/home/ann/project/package.json': '{', '/home/ann/project/web/package.json': 'null', [user]: 'cache=/u' },
    path: '/u',
    source: `cache in ${user}`,
  },
  {
    name: 'it is Windows',
    os: 'win32',
    homeDir: 'C:\\Users\\ann',
    workDir: 'C:\\p',
    env: { LOCALAPPDATA: 'C:\\Users\\ann\\AppData\\Local' },
    path: 'C:\\Users\\ann\\AppData\\Local\\npm-cache',
    source: "npm's default",
  },
];

test.each(places)('finds npm’s cache when $name', ({ path, source, byProject, ...environment }) => {
  const location = { path, source, ...(byProject === true ? { byProject } : {}) };
  expect(npmCacheLocation(environmentOf(environment))).toEqual(location);
});
