import type { PathRule, Tool, ToolEnvironment, ToolLocation } from '@cachelane/core';
import { classifyUnknown } from '../common/directory.ts';
import { bunManifestDriver } from './bun-manifest.ts';
import { projectDirOf } from '../common/project-dirs.ts';
import { fillIn, parseNpmrc } from './npmrc.ts';
import { pathsOf } from '../common/paths.ts';
import { groupRule, never, newestRule, unionRule } from '../common/rules.ts';
import { tomlText } from '../common/toml.ts';

const manifestRule = newestRule(bunManifestDriver);
const links = never('links to packages by absolute paths; bun does not install from them');
const temporary = never('temporary files');

/** bun's cache: each version of a package laid out in a directory, and manifests of the registry. */
export const bunTool: Tool = {
  name: 'bun',
  rulesVersion: 1,
  summary: "bun's cache of packages",
  lockfiles: ['bun.lock', 'bun.lockb'],
  locate,
  redirect: (path) => ({ BUN_INSTALL_CACHE_DIR: path }),
  linksOut: true,
  // Packages are stored as published; their scripts run in the project.
  compat: () => ({}),
  classify(path, isDirectory, context) {
    return ruleFor(path.split('/'), isDirectory) ?? classifyUnknown(path, isDirectory, context);
  },
  // bun unpacks a package elsewhere, then moves it into place.
  commitWhen: 'exit',
  prune: { kind: 'none', why: 'bun pm cache rm removes everything' },
  sync: 'always',
  versions: 'each package carries the number of its layout in its name: @@@1',
  stored: [
    { path: 'left@1.0.0@@@1/package.json', what: 'unpacked packages', checked: 'when fetched' },
    { path: '<16 hex>.npm', what: 'manifests of the registry', checked: 'never' },
    { path: '<16 hex>.git/HEAD', what: 'clones of repositories', checked: 'when used' },
  ],
  neverStored: ['left/1.0.0@@@1', '.tmp/'],
  tried: 'real tool',
};

function ruleFor([top = '', second, ...more]: readonly string[], isDirectory: boolean): PathRule | null {
  const isTop = second === undefined;
  // bun's temporary files begin with a dot; package names cannot.
  if (top.startsWith('.')) return /^\.(?:tmp$|bun-|[0-9a-f]+-[0-9a-f]+\.)/.test(top) ? temporary : null;
  if (isTop && !isDirectory) return /^[0-9a-f]{16}(?:-[0-9a-f]{16})?\.npm$/.test(top) ? manifestRule : null;
  if (/^[0-9a-f]{16}\.git$/.test(top)) return groupRule(top);
  // `left@1.0.0@@@1`, `@T@<digest>@@@1`. Scoped packages are one level deeper.
  if (top.includes('@', 1)) return unionRule;
  if (!top.startsWith('@')) return nameRule(top, second, isDirectory || !isTop);
  if (isTop) return unionRule;
  return second.includes('@') ? unionRule : nameRule(second, more[0], isDirectory || more.length > 0);
}

/** `left/1.0.0@@@1`, a link to that version's package. */
function nameRule(name: string, version: string | undefined, isDirectory: boolean): PathRule | null {
  const isName = isDirectory && /^[a-z0-9~-][a-z0-9._~-]*$/i.test(name);
  return isName && (version === undefined || /@@@\d+$/.test(version)) ? links : null;
}

/** Locates the cache from bun's settings, except `.env` files. */
function locate(environment: ToolEnvironment): ToolLocation {
  const { join, resolve } = pathsOf(environment);
  const projectDir = projectDirOf(environment);
  const place = (value: string): string =>
    /^~[/\\]/.test(value) ? join(environment.homeDir, value.slice(2)) : resolve(projectDir, value);

  const variable = environment.env('BUN_INSTALL_CACHE_DIR');
  if (variable) return { path: place(variable), source: 'BUN_INSTALL_CACHE_DIR in the environment' };
  for (const { path, read, byProject } of settingsFiles(environment, projectDir)) {
    const value = read(environment.readText(path) ?? '');
    if (value) {
      const location = { path: place(fillIn(value, environment)), source: `the cache in ${path}` };
      return byProject ? { ...location, byProject } : location;
    }
  }
  const install = environment.env('BUN_INSTALL');
  if (install) return { path: join(place(install), 'install', 'cache'), source: 'BUN_INSTALL in the environment' };
  const cacheHome = environment.env('XDG_CACHE_HOME');
  const dir = join(cacheHome || environment.homeDir, '.bun', 'install', 'cache');
  return { path: dir, source: cacheHome ? 'XDG_CACHE_HOME in the environment' : "bun's default" };
}

interface SettingsFile {
  readonly path: string;
  readonly byProject: boolean;
  readonly read: (text: string) => string | undefined;
}

function settingsFiles(environment: ToolEnvironment, projectDir: string): readonly SettingsFile[] {
  const { join } = pathsOf(environment);
  const configHome = environment.env('XDG_CONFIG_HOME') || environment.homeDir;
  return [
    { path: join(projectDir, 'bunfig.toml'), byProject: true, read: bunfigCache },
    { path: join(configHome, '.bunfig.toml'), byProject: false, read: bunfigCache },
    { path: join(projectDir, '.npmrc'), byProject: true, read: npmrcCache },
    { path: join(environment.homeDir, '.npmrc'), byProject: false, read: npmrcCache },
  ];
}

function bunfigCache(text: string): string | undefined {
  return tomlText(text, ['install', 'cache', 'dir']) ?? tomlText(text, ['install', 'cache']);
}

function npmrcCache(text: string): string | undefined {
  return parseNpmrc(text).get('cache');
}
