import type { PathRule, Tool, ToolEnvironment, ToolLocation } from '@cachelane/core';
import { classifyUnknown } from '../common/directory.ts';
import { directoriesUp } from '../common/project-dirs.ts';
import { pathsOf } from '../common/paths.ts';
import { lastingGroupRule, never } from '../common/rules.ts';

/** Turborepo's cache of task outputs, `.turbo/cache` since turbo 2. */
export const turboTool: Tool = {
  name: 'turbo',
  rulesVersion: 1,
  summary: "Turborepo's outputs of tasks",
  lockfiles: ['turbo.json', 'turbo.jsonc'],
  locate,
  redirect: (path) => ({ TURBO_CACHE_DIR: path }),
  // Project settings can enable it.
  daemon: { what: 'its daemon', settings: {} },
  linksOut: false,
  // The digest in a name holds the project's inputs, which seldom include the platform.
  compat: ({ os, arch }) => ({ os, arch }),
  classify(path, isDirectory, context) {
    return (isDirectory ? null : fileRule(path)) ?? classifyUnknown(path, isDirectory, context);
  },
  // A failed task leaves nothing in the cache.
  commitWhen: 'exit',
  prune: { kind: 'none', why: 'it has no command (turbo prune splits workspaces)' },
  losesFiles: true,
  sync: 'always',
  versions: "the digest in a name holds the version of turbo's hashing",
  stored: [
    { path: '<16 hex>.tar.zst', what: 'outputs of tasks', checked: 'never' },
    { path: '<16 hex>-meta.json', what: 'durations of tasks', checked: 'never' },
  ],
  neverStored: ['<16 hex>-manifest.json'],
  tried: 'real tool',
};

function fileRule(path: string): PathRule | null {
  // An archive and the task's duration. Repeating a task changes both; either version is valid.
  const [, task] = /^([0-9a-f]{16})(?:\.tar\.zst|\.tar|-meta\.json)$/.exec(path) ?? [];
  if (task !== undefined) return lastingGroupRule(task);
  // Times of the files that turbo restored into one project.
  if (/^[0-9a-f]{16}-manifest\.json$/.test(path)) return never('when turbo restored which files into a project');
  return /^\.?[0-9a-f]{16}.*\.tmp(?:\.|$)|^\.tmp/.test(path) ? never('temporary files') : null;
}

function locate(environment: ToolEnvironment): ToolLocation | null {
  const { join, resolve } = pathsOf(environment);
  const root = directoriesUp(environment).findLast((dir) =>
    ['turbo.json', 'turbo.jsonc'].some((name) => environment.readText(join(dir, name)) !== undefined),
  );
  const variable = environment.env('TURBO_CACHE_DIR');
  if (variable)
    return { path: resolve(root ?? environment.workDir, variable), source: 'TURBO_CACHE_DIR in the environment' };
  if (root === undefined) return null;
  for (const name of ['turbo.json', 'turbo.jsonc']) {
    const path = join(root, name);
    const [, value] = /^\s*"cacheDir"\s*:\s*"([^"\\]+)"/m.exec(environment.readText(path) ?? '') ?? [];
    if (value !== undefined) return { path: resolve(root, value), source: `cacheDir in ${path}`, byProject: true };
  }
  return { path: join(root, '.turbo', 'cache'), source: "turbo's default", byProject: true };
}
