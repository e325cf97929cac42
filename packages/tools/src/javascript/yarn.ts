import type { PathRule, Tool, ToolEnvironment, ToolLocation } from '@cachelane/core';
import { classifyUnknown } from '../common/directory.ts';
import { yarnMetadataDriver } from './yarn-metadata.ts';
import { directoriesUp, manifestDirOf } from '../common/project-dirs.ts';
import { pathsOf } from '../common/paths.ts';
import { never, newestRule, unionRule } from '../common/rules.ts';
import { topLevelYaml } from '../common/yaml-scalars.ts';

const metadataRule = newestRule(yarnMetadataDriver);
const temporary = never('temporary files');

const topRules: ReadonlyMap<string, PathRule> = new Map([
  ['index', never('contents for hard links into projects; yarn extracts them again from its archives')],
  ['telemetry.json', never("yarn's telemetry")],
]);

/**
 * The global folder of yarn 2 and later: an archive for each package and manifests of the registry. Yarn 1 uses the same lockfile name but
 * another cache.
 */
export const yarnTool: Tool = {
  name: 'yarn',
  rulesVersion: 1,
  summary: "yarn's archives of packages (yarn 2 and later)",
  lockfiles: ['yarn.lock'],
  locate,
  whyNowhere: (environment) =>
    isOfYarn1(lockfileOf(environment))
      ? 'this yarn.lock is of yarn 1; only the cache of yarn 2 and later is supported'
      : undefined,
  // YARN_CACHE_FOLDER has no effect unless the project disables the global cache.
  redirect: (path) => ({ YARN_GLOBAL_FOLDER: path }),
  linksOut: false,
  compat: () => ({}),
  classify(path, isDirectory, context) {
    return ruleFor(path.split('/'), isDirectory) ?? classifyUnknown(path, isDirectory, context);
  },
  // yarn writes an archive to a temporary name, then moves it.
  commitWhen: 'exit',
  prune: { kind: 'none', why: 'yarn cache clean removes everything' },
  losesFiles: true,
  sync: 'always',
  versions: 'the number of the format is in the name of each archive',
  stored: [
    { path: 'cache/left-npm-1.0.0-<10 hex>-10c0.zip', what: 'archives of packages', checked: 'when used' },
    { path: 'metadata/npm/registry.npmjs.org/left.json', what: 'manifests of the registry', checked: 'never' },
  ],
  neverStored: ['index/', 'telemetry.json', 'cache/left-npm-1.0.0-<10 hex>-10c0.zip.flock'],
  tried: 'real tool',
};

function ruleFor([top = '', name, ...more]: readonly string[], isDirectory: boolean): PathRule | null {
  const fixed = topRules.get(top);
  if (fixed !== undefined) return fixed;
  if (top === 'cache') return name === undefined ? directory(isDirectory) : archiveRule(name, more.length, isDirectory);
  if (top !== 'metadata') return null;
  if (isDirectory) return unionRule;
  const file = more.at(-1) ?? '';
  if (file.endsWith('.json')) return metadataRule;
  return /\.json-?.*\.tmp$/.test(file) ? temporary : null;
}

function archiveRule(name: string, depth: number, isDirectory: boolean): PathRule | null {
  if (depth > 0 || isDirectory) return null;
  // `left-npm-1.0.0-812ad14604-10c0.zip`: the locator's digest, then the format number and compression.
  if (/-[0-9a-f]{10}-[0-9a-z]+\.zip$/.test(name)) return unionRule;
  return /\.(?:zip-[0-9a-f]+\.tmp|zip\.[0-9a-f-]+|flock)$/.test(name) ? temporary : null;
}

function directory(isDirectory: boolean): PathRule | null {
  return isDirectory ? unionRule : null;
}

/** Returns null for a project of yarn 1, or if yarn would use the project's directory as its cache. */
function locate(environment: ToolEnvironment): ToolLocation | null {
  const { resolve } = pathsOf(environment);
  const lockfile = lockfileOf(environment);
  if (isOfYarn1(lockfile)) return null;
  const variable = environment.env('YARN_GLOBAL_FOLDER');
  if (variable === '') return null;
  if (variable !== undefined) {
    const base = lockfile === undefined ? manifestDirOf(environment) : resolve(lockfile.path, '..');
    return { path: resolve(base, variable), source: 'YARN_GLOBAL_FOLDER in the environment' };
  }
  return settingLocation(environment) ?? defaultLocation(environment);
}

function lockfileOf(environment: ToolEnvironment): FoundText | undefined {
  const { join } = pathsOf(environment);
  const paths = directoriesUp(environment).map((dir) => join(dir, 'yarn.lock'));
  return firstText(environment, paths);
}

/** New projects begin with an empty lockfile, which is not of yarn 1. */
function isOfYarn1(lockfile: FoundText | undefined): boolean {
  return lockfile !== undefined && lockfile.text.trim() !== '' && !/^__metadata:/m.test(lockfile.text);
}

/** Settings of the working directory and its parents, then the user's. Paths are relative to the file. */
function settingLocation(environment: ToolEnvironment): ToolLocation | null {
  const { join, resolve } = pathsOf(environment);
  const name = environment.env('YARN_RC_FILENAME') || '.yarnrc.yml';
  for (const dir of [...directoriesUp(environment), environment.homeDir]) {
    const path = join(dir, name);
    const value = topLevelYaml(environment.readText(path) ?? '', 'globalFolder');
    if (value === undefined) continue;
    const location = { path: resolve(dir, fillIn(value, environment)), source: `globalFolder in ${path}` };
    return dir === environment.homeDir ? location : { ...location, byProject: true };
  }
  return null;
}

function defaultLocation(environment: ToolEnvironment): ToolLocation {
  const { join } = pathsOf(environment);
  const data = environment.env('XDG_DATA_HOME');
  if (data) return { path: join(data, 'yarn', 'berry'), source: 'XDG_DATA_HOME in the environment' };
  const local = environment.os === 'win32' ? environment.env('LOCALAPPDATA') : undefined;
  const path = local ? join(local, 'Yarn', 'Berry') : join(environment.homeDir, '.yarn', 'berry');
  return { path, source: "yarn's default" };
}

/** Fills in `${NAME}` and `${NAME:-default}`. */
function fillIn(text: string, environment: ToolEnvironment): string {
  return text.replace(
    /\$\{([A-Za-z0-9_]+)(?::?-([^}]*))?\}/g,
    (whole, name: string, fallback?: string) => environment.env(name) ?? fallback ?? whole,
  );
}

interface FoundText {
  readonly path: string;
  readonly text: string;
}

function firstText(environment: ToolEnvironment, paths: readonly string[]): FoundText | undefined {
  for (const path of paths) {
    const text = environment.readText(path);
    if (text !== undefined) return { path, text };
  }
  return undefined;
}
