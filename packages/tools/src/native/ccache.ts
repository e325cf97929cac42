import type { PathRule, Tool, ToolEnvironment, ToolLocation } from '@cachelane/core';
import { classifyUnknown } from '../common/directory.ts';
import { ccacheEntryDriver } from './ccache-entry.ts';
import { pathsOf } from '../common/paths.ts';
import { never, newestRule, unionRule } from '../common/rules.ts';

const entryRule = newestRule(ccacheEntryDriver);
const counters = never('counters, which every run of the compiler changes');

const topRules: ReadonlyMap<string, PathRule> = new Map([
  ['tmp', never('temporary files, and inode data of one machine')],
  ['lock', never('lock files')],
  ['ccache.conf', never("the user's settings")],
]);

/** ccache: compiler results in directories by the first digits of their names. */
export const ccacheTool: Tool = {
  name: 'ccache',
  rulesVersion: 1,
  summary: "ccache's results of C and C++ compilers",
  // No project file shows that ccache is used.
  lockfiles: [],
  locate,
  redirect: (path) => ({ CCACHE_DIR: path }),
  // hard_link and file_clone would link, but both are off by default.
  linksOut: false,
  env: { CCACHE_MAXSIZE: '0', CCACHE_MAXFILES: '0', CCACHE_NOINODECACHE: '1' },
  // The keys hold compiler and flags, but not the libraries of compiler plug-ins.
  compat: ({ os, arch }) => ({ os, arch }),
  classify(path, isDirectory, context) {
    return ruleFor(path, isDirectory) ?? classifyUnknown(path, isDirectory, context);
  },
  commitWhen: 'exit',
  prune: {
    kind: 'command',
    // Counters are not stored: the first call counts, the second removes.
    argv: ['ccache', '--cleanup', '--cleanup'],
    removes: 'the oldest results, down to your own size limit (5 GiB by default)',
  },
  losesFiles: true,
  sync: 'always',
  versions: 'each result carries the number of its format; one that ccache cannot read is a miss',
  stored: [
    { path: '0/0/<28 hex>R', what: 'results of compilers', checked: 'never' },
    { path: '0/0/<28 hex>M', what: 'manifests: which headers a result depends on', checked: 'never' },
    { path: '0/0/<28 hex>0W', what: 'raw parts of results', checked: 'never' },
  ],
  neverStored: ['tmp/', 'lock/', 'ccache.conf', '0/stats', '0/0/stats'],
  tried: 'real tool',
};

function ruleFor(path: string, isDirectory: boolean): PathRule | null {
  const [top = ''] = path.split('/', 1);
  const fixed = topRules.get(top);
  if (fixed !== undefined) return fixed;
  if (!/^[0-9a-f](?:\/|$)/.test(path)) return !isDirectory && path === 'CACHEDIR.TAG' ? unionRule : null;
  if (isDirectory) return /^[0-9a-f](?:\/[0-9a-f]){0,7}$/.test(path) ? unionRule : null;
  const [, name = ''] = /^(?:[0-9a-f]\/){1,8}([^/]+)$/.exec(path) ?? [];
  if (name === 'stats' || /^stats\..+/.test(name)) return counters;
  if (name === 'CACHEDIR.TAG') return unionRule;
  if (/^[0-9a-v]{20,}[RM]$/.test(name)) return entryRule;
  // Stored without a header if ccache may clone or link it.
  if (/^[0-9a-v]{20,}_?[0-9a-z]?W$/.test(name)) return unionRule;
  return /^[0-9a-v]{20,}[RMW]?.*\.(?:tmp|lock|alive)/.test(name) ? never('temporary files') : null;
}

/** Returns null for a relative path, which would differ for each working directory. */
function locate(environment: ToolEnvironment): ToolLocation | null {
  const { isAbsolute, join } = pathsOf(environment);
  const variable = environment.env('CCACHE_DIR');
  if (variable) return isAbsolute(variable) ? { path: variable, source: 'CCACHE_DIR in the environment' } : null;
  for (const path of settingsFiles(environment)) {
    const value = cacheDirOf(environment.readText(path) ?? '');
    if (!value) continue;
    const dir = value.replace(
      /\$(?:\{(\w+)\}|(\w+))/g,
      (_, braced: string, plain: string) => environment.env(braced ?? plain) ?? '',
    );
    return isAbsolute(dir) ? { path: dir, source: `cache_dir in ${path}` } : null;
  }
  const legacy = join(environment.homeDir, '.ccache');
  if (environment.readText(join(legacy, 'ccache.conf')) !== undefined)
    return { path: legacy, source: '~/.ccache, which exists' };
  const source = "ccache's default";
  if (environment.os === 'darwin') return { path: join(environment.homeDir, 'Library', 'Caches', 'ccache'), source };
  const local = environment.os === 'win32' ? environment.env('LOCALAPPDATA') : undefined;
  if (local) return { path: join(local, 'ccache'), source };
  const cacheHome = environment.env('XDG_CACHE_HOME');
  if (cacheHome) return { path: join(cacheHome, 'ccache'), source: 'XDG_CACHE_HOME in the environment' };
  return { path: join(environment.homeDir, '.cache', 'ccache'), source };
}

/** Highest precedence first. */
function settingsFiles(environment: ToolEnvironment): readonly string[] {
  const { join } = pathsOf(environment);
  const named = environment.env('CCACHE_CONFIGPATH');
  if (named) return [named];
  const home = environment.homeDir;
  const config =
    environment.env('XDG_CONFIG_HOME') ||
    join(home, ...(environment.os === 'darwin' ? ['Library', 'Preferences'] : ['.config']));
  return [join(home, '.ccache', 'ccache.conf'), join(config, 'ccache', 'ccache.conf'), '/etc/ccache.conf'];
}

function cacheDirOf(text: string): string | undefined {
  return text
    .split(/\r?\n/)
    .flatMap((line) => /^\s*cache_dir\s*=\s*(.*?)\s*$/.exec(line)?.[1] ?? [])
    .at(-1);
}
