import type { PathRule, Tool, ToolEnvironment, ToolLocation } from '@cachelane/core';
import { classifyUnknown } from '../common/directory.ts';
import { nxDatabaseDriver } from './nx-database.ts';
import { directoriesUp } from '../common/project-dirs.ts';
import { pathsOf } from '../common/paths.ts';
import { lastingGroupRule, never, rowsRule, unionRule } from '../common/rules.ts';

const databaseRule = rowsRule(nxDatabaseDriver);
const ofOneCheckout = never('data of one checkout');

/**
 * Nx's cache of task outputs, `.nx/cache`, with a directory for each task. Since Nx 20 a database lists the valid ones for one machine.
 * A setting places both here.
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
  // The database is named after one machine. Other machines cannot use the outputs.
  sync: 'never',
  versions: 'the name of the database holds the version of its format; that of Nx 24 is known',
  stored: [
    { path: '<19 hex>/outputs/index.js', what: 'outputs of tasks', checked: 'never' },
    { path: 'terminalOutputs/<19 hex>', what: 'what tasks printed', checked: 'never' },
    { path: 'workspace-data/<64 hex>-v1.db', what: 'database of valid outputs', checked: 'never' },
  ],
  neverStored: ['run.json', 'd/', 'cache.db', 'workspace-data/file-map.json'],
  tried: 'real tool',
};

function ruleFor(path: string, isDirectory: boolean): PathRule | null {
  const [top = ''] = path.split('/', 1);
  // The name holds the machine and the format version.
  if (!isDirectory && /^workspace-data\/[0-9a-f]+-v\d+\.db$/.test(path)) return databaseRule;
  if (top === 'workspace-data') return path === top && isDirectory ? unionRule : ofOneCheckout;
  if (top === 'd' || top === 'run.json') return never('state of one machine and its last run');
  if (!isDirectory && /^[^/]+\.db(?:-wal|-shm|-journal)?$/.test(path)) return never('valid outputs on one machine');
  const [, task] = /^(\d{5,20})(?:\.commit)?$/.exec(top) ?? [];
  if (task !== undefined) return lastingGroupRule(task);
  const [, output] = /^terminalOutputs\/(\d{5,20})$/.exec(path) ?? [];
  // A group of its own: a failed attempt's terminal output must not replace the output of another attempt.
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
