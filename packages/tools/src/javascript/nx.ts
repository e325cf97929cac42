import type { PathRule, Tool, ToolEnvironment, ToolLocation } from '@cachelane/core';
import { classifyUnknown } from '../common/directory.ts';
import { nxDatabaseDriver } from './nx-database.ts';
import { directoriesUp } from '../common/project-dirs.ts';
import { pathsOf } from '../common/paths.ts';
import { lastingGroupRule, never, rowsRule, unionRule } from '../common/rules.ts';

const databaseRule = rowsRule(nxDatabaseDriver);
const ofOneCheckout = never('what Nx worked out about one checkout');

/**
 * Nx's cache of task outputs, `.nx/cache`: a directory for each task. Since Nx 20 a database says which of them count, on one
 * machine, and lies elsewhere, of late together with the cache below the home directory: by a setting both lie here.
 */
export const nxTool: Tool = {
  name: 'nx',
  rulesVersion: 1,
  summary: "Nx's outputs of tasks",
  lockfiles: ['nx.json'],
  locate,
  redirect: (path) => ({ NX_CACHE_DIRECTORY: path }),
  daemon: { what: 'its daemon, which watches the project', settings: { NX_DAEMON: 'false' } },
  linksOut: false,
  env: { NX_WORKSPACE_DATA_DIRECTORY: '.nx/cache/workspace-data' },
  compat: ({ os, arch }) => ({ os, arch }),
  classify(path, isDirectory, context) {
    return ruleFor(path, isDirectory) ?? classifyUnknown(path, isDirectory, context);
  },
  commitWhen: 'exit',
  prune: { kind: 'none', why: 'nx reset removes everything' },
  // The database that says which of them count is named after one machine: another one makes them again.
  sync: 'never',
  versions: 'the name of the database holds the version of its format; that of Nx 24 is known',
  stored: [
    { path: '<19 hex>/outputs/index.js', what: 'outputs of tasks', checked: 'never' },
    { path: 'terminalOutputs/<19 hex>', what: 'what tasks printed', checked: 'never' },
    { path: 'workspace-data/<64 hex>-v1.db', what: 'database that says which of them count', checked: 'never' },
  ],
  neverStored: ['run.json', 'd/', 'cache.db', 'workspace-data/file-map.json'],
  tried: 'real tool',
};

function ruleFor(path: string, isDirectory: boolean): PathRule | null {
  const [top = ''] = path.split('/', 1);
  // Its name holds the machine and the version of the format.
  if (!isDirectory && /^workspace-data\/[0-9a-f]+-v\d+\.db$/.test(path)) return databaseRule;
  if (top === 'workspace-data') return path === top && isDirectory ? unionRule : ofOneCheckout;
  if (top === 'd' || top === 'run.json') return never('what Nx knows about one machine and its last run');
  if (!isDirectory && /^[^/]+\.db(?:-wal|-shm|-journal)?$/.test(path))
    return never('which outputs count on one machine');
  const [, task] = /^(\d{5,20})(?:\.commit)?$/.exec(top) ?? [];
  if (task !== undefined) return lastingGroupRule(task);
  const [, output] = /^terminalOutputs\/(\d{5,20})$/.exec(path) ?? [];
  // A group of its own: what an attempt that failed printed must not take the place of what another one made.
  return output === undefined ? null : lastingGroupRule(path);
}

function locate(environment: ToolEnvironment): ToolLocation | null {
  const { join, resolve } = pathsOf(environment);
  const root = directoriesUp(environment).find((dir) => environment.readText(join(dir, 'nx.json')) !== undefined);
  const variable = environment.env('NX_CACHE_DIRECTORY');
  if (variable)
    return { path: resolve(root ?? environment.workDir, variable), source: 'NX_CACHE_DIRECTORY in the environment' };
  if (root === undefined) return null;
  const path = join(root, 'nx.json');
  const [, value] = /^\s*"cacheDirectory"\s*:\s*"([^"\\]+)"/m.exec(environment.readText(path) ?? '') ?? [];
  return value === undefined
    ? { path: join(root, '.nx', 'cache'), source: "Nx's default", byProject: true }
    : { path: resolve(root, value), source: `cacheDirectory in ${path}`, byProject: true };
}
