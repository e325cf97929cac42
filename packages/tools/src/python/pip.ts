import type { PathRule, Tool, ToolEnvironment, ToolLocation } from '@cachelane/core';
import { classifyUnknown } from '../common/directory.ts';
import { pipResponseDriver } from './pip-response.ts';
import { iniText } from '../common/ini-scalars.ts';
import { pathsOf } from '../common/paths.ts';
import { lastingGroupRule, never, unionRule } from '../common/rules.ts';

const temporary = never('temporary files');
const lookedAt = never("time of pip's last update check");

/** pip's cache: responses of the index, and wheels that pip built. */
export const pipTool: Tool = {
  name: 'pip',
  rulesVersion: 1,
  summary: "pip's downloads and built wheels",
  lockfiles: ['requirements.txt', 'Pipfile.lock'],
  locate,
  redirect: (path) => ({ PIP_CACHE_DIR: path }),
  linksOut: false,
  // Names of built wheels hold Python, os and arch, but not the libraries they were built with.
  compat: ({ os, arch }) => ({ os, arch }),
  classify(path, isDirectory, context) {
    return ruleFor(path, isDirectory) ?? classifyUnknown(path, isDirectory, context);
  },
  commitWhen: 'exit',
  prune: { kind: 'none', why: 'pip cache purge removes everything, and pip cache remove only the packages you name' },
  losesFiles: true,
  sync: 'always',
  versions: 'directories carry the version of their format: http-v2',
  stored: [
    { path: 'http-v2/0/0/0/0/0/<56 hex>', what: 'responses of the index: heads', checked: 'never' },
    { path: 'http-v2/0/0/0/0/0/<56 hex>.body', what: 'their bodies', checked: 'when asked' },
    { path: 'wheels/00/00/00/<58 hex>/left-1.0.0-py3-none-any.whl', what: 'wheels that pip built', checked: 'never' },
  ],
  neverStored: ['selfcheck/', 'http-v2/0/0/0/0/0/<56 hex>abcdefgh'],
  tried: 'real tool',
};

const responsePath = /^(http-v2(?:\/[0-9a-f]){5}\/[0-9a-f]{56})(\.body)?$/;

function ruleFor(path: string, isDirectory: boolean): PathRule | null {
  const [top, ...more] = path.split('/');
  switch (top) {
    case 'selfcheck':
    case 'selfcheck.json':
      return lookedAt;
    // pip 23.2 and older store head and body in one file.
    case 'http':
      return isDirectory
        ? unionRule
        : /^http(?:\/[0-9a-f]){5}\/[0-9a-f]{56}$/.test(path)
          ? lastingGroupRule(path, pipResponseDriver)
          : null;
    case 'http-v2': {
      if (isDirectory) return unionRule;
      const [, response, body] = responsePath.exec(path) ?? [];
      if (response !== undefined) return lastingGroupRule(response, body === undefined ? pipResponseDriver : undefined);
      // `<name>` plus letters of Python's tempfile, in the same directory.
      return /^(?:[0-9a-f]\/){5}(?:tmp|[0-9a-f]{56}(?:\.body)?)[a-z0-9_]{8}$/.test(more.join('/')) ? temporary : null;
    }
    case 'wheels':
      return isDirectory || /^(?:[0-9a-f]+\/){4}(?:[^/]+\.whl|origin\.json)$/.test(more.join('/')) ? unionRule : null;
    default:
      return null;
  }
}

/** Locates the cache from pip's settings for `install`, except those of one environment (`site`). */
function locate(environment: ToolEnvironment): ToolLocation {
  const { join, resolve } = pathsOf(environment);
  const place = (value: string): string =>
    /^~[/\\]/.test(value) ? join(environment.homeDir, value.slice(2)) : resolve(environment.workDir, value);
  const variable = environment.env('PIP_CACHE_DIR');
  if (variable) return { path: place(variable), source: 'PIP_CACHE_DIR in the environment' };
  for (const path of settingsFiles(environment)) {
    const text = environment.readText(path) ?? '';
    const value = iniText(text, 'install', 'cache-dir') ?? iniText(text, 'global', 'cache-dir');
    if (value) return { path: place(value), source: `cache-dir in ${path}` };
  }
  return defaultPlace(environment);
}

function defaultPlace(environment: ToolEnvironment): ToolLocation {
  const { join } = pathsOf(environment);
  const source = "pip's default";
  if (environment.os === 'darwin') return { path: join(environment.homeDir, 'Library', 'Caches', 'pip'), source };
  const local = environment.os === 'win32' ? environment.env('LOCALAPPDATA') : undefined;
  if (local) return { path: join(local, 'pip', 'Cache'), source };
  const cacheHome = environment.env('XDG_CACHE_HOME');
  if (cacheHome) return { path: join(cacheHome, 'pip'), source: 'XDG_CACHE_HOME in the environment' };
  return { path: join(environment.homeDir, '.cache', 'pip'), source };
}

/** Highest precedence first. */
function settingsFiles(environment: ToolEnvironment): readonly string[] {
  const { join } = pathsOf(environment);
  const home = environment.homeDir;
  const named = environment.env('PIP_CONFIG_FILE');
  // The null device means that pip reads no file.
  if (named === '/dev/null') return [];
  if (environment.os === 'win32') {
    const roaming = environment.env('APPDATA');
    const dirs = [
      named,
      roaming === undefined ? undefined : join(roaming, 'pip', 'pip.ini'),
      join(home, 'pip', 'pip.ini'),
    ];
    return dirs.filter((path) => path !== undefined && path !== '') as readonly string[];
  }
  const config = environment.env('XDG_CONFIG_HOME') || join(home, '.config');
  const system = [
    '/etc/pip.conf',
    ...(environment.env('XDG_CONFIG_DIRS') || '/etc/xdg').split(':').map((dir) => join(dir, 'pip', 'pip.conf')),
  ];
  return [...(named ? [named] : []), join(config, 'pip', 'pip.conf'), join(home, '.pip', 'pip.conf'), ...system];
}
