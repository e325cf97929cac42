import type { PathRule, Tool, ToolEnvironment, ToolLocation } from '@cachelane/core';
import { classifyUnknown } from '../common/directory.ts';
import { directoriesUp } from '../common/project-dirs.ts';
import { pathsOf } from '../common/paths.ts';
import { groupRule, never, unionRule } from '../common/rules.ts';
import { tomlText } from '../common/toml.ts';

const ofOneMachine = never('data of the Pythons and environments of one machine');
const temporary = never('temporary files');

/** Names carry the format version (`archive-v0`). The rules are by bucket, whatever the version. */
const buckets: ReadonlyMap<string, PathRule> = new Map([
  // Unpacked wheels under unique ids: moved into place once, never changed.
  ['archive', unionRule],
  ['binaries', unionRule],
  ['flat-index', unionRule],
  ['simple', unionRule],
  ['wheels', unionRule],
  ['python', unionRule],
  ['builds', temporary],
  ['environments', ofOneMachine],
  ['interpreter', ofOneMachine],
]);

/** uv's cache. Two different pointers for one wheel are a conflict; uv then writes them again. */
export const uvTool: Tool = {
  name: 'uv',
  rulesVersion: 1,
  summary: "uv's cache of wheels and environments' files",
  lockfiles: ['uv.lock'],
  locate,
  redirect: (path) => ({ UV_CACHE_DIR: path }),
  linksOut: true,
  // Built wheels fit one platform. Some releases changed a format without a new bucket version, and uv fails on an entry of the other
  // format instead of ignoring it.
  compat: (environment) => ({
    os: environment.os,
    arch: environment.arch,
    uv: environment.programVersion('uv') ?? 'unknown',
  }),
  classify(path, isDirectory, context) {
    return ruleFor(path, isDirectory) ?? classifyUnknown(path, isDirectory, context);
  },
  commitWhen: 'exit',
  prune: {
    kind: 'command',
    argv: ['uv', 'cache', 'prune'],
    removes: 'unreferenced entries, and those of other format versions',
  },
  sync: 'always',
  versions:
    'directories carry their format version, but some releases did not raise it, so compat includes the version of uv',
  stored: [
    { path: 'archive-v0/0123456789abcdef/left/__init__.py', what: 'unpacked wheels', checked: 'when fetched' },
    { path: 'wheels-v5/pypi/left/1.0.0-py3-none-any.http', what: 'pointers to wheels', checked: 'never' },
    { path: 'simple-v16/pypi/left.rkyv', what: 'pages of the index', checked: 'never' },
    {
      path: 'sdists-v9/pypi/left/1.0.0/revision.http',
      what: 'source packages and their builds',
      checked: 'when fetched',
    },
    { path: 'git-v0/db/<16 hex>/HEAD', what: 'clones of repositories', checked: 'when used' },
  ],
  neverStored: ['.lock', 'builds-v0/', 'environments-v2/', 'interpreter-v4/', 'git-v0/checkouts/', 'git-v0/locks/'],
  tried: 'fixture',
};

function ruleFor(path: string, isDirectory: boolean): PathRule | null {
  const [top = '', name, version, id] = path.split('/');
  if (path === '.lock') return never('a lock file');
  if (!isDirectory && (path === 'CACHEDIR.TAG' || path === '.gitignore')) return unionRule;
  if (top.startsWith('.tmp')) return temporary;
  const [, bucket = ''] = /^([a-z-]+)-v\d+$/.exec(top) ?? [];
  if (bucket === 'git') return gitRule(top, name, version, isDirectory);
  if (bucket !== 'sdists') return buckets.get(bucket) ?? null;
  if (!isDirectory && path.endsWith('/.lock')) return never('a lock file');
  // A source and its builds, for each version of a package.
  return id === undefined && isDirectory ? unionRule : groupRule(path.split('/').slice(0, 4).join('/'));
}

function gitRule(
  top: string,
  kind: string | undefined,
  name: string | undefined,
  isDirectory: boolean,
): PathRule | null {
  if (kind === 'locks') return never('lock files');
  if (kind === 'checkouts') return never('checkouts; uv creates them again from their repositories');
  if (kind === 'db' && name !== undefined) return groupRule(`${top}/db/${name}`);
  return isDirectory ? unionRule : null;
}

function locate(environment: ToolEnvironment): ToolLocation | null {
  const { join, resolve } = pathsOf(environment);
  const variable = environment.env('UV_CACHE_DIR');
  if (variable) return { path: resolve(environment.workDir, variable), source: 'UV_CACHE_DIR in the environment' };
  if (environment.env('UV_NO_CACHE')) return null;
  for (const dir of directoriesUp(environment)) {
    for (const [name, keys] of [
      ['uv.toml', ['cache-dir']],
      ['pyproject.toml', ['tool', 'uv', 'cache-dir']],
    ] as const) {
      const path = join(dir, name);
      const value = tomlText(environment.readText(path) ?? '', keys);
      if (value !== undefined) return { path: resolve(dir, value), source: `cache-dir in ${path}`, byProject: true };
    }
  }
  const config = join(environment.env('XDG_CONFIG_HOME') || join(environment.homeDir, '.config'), 'uv', 'uv.toml');
  const ofUser = tomlText(environment.readText(config) ?? '', ['cache-dir']);
  if (ofUser !== undefined) return { path: resolve(environment.workDir, ofUser), source: `cache-dir in ${config}` };
  const local = environment.os === 'win32' ? environment.env('LOCALAPPDATA') : undefined;
  if (local) return { path: join(local, 'uv', 'cache'), source: "uv's default" };
  const cacheHome = environment.env('XDG_CACHE_HOME');
  if (cacheHome) return { path: join(cacheHome, 'uv'), source: 'XDG_CACHE_HOME in the environment' };
  return { path: join(environment.homeDir, '.cache', 'uv'), source: "uv's default" };
}
