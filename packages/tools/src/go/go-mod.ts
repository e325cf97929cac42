import {
  childPath,
  parentPath,
  type BytePath,
  type PathRule,
  type Tool,
  type ToolEnvironment,
  type ToolLocation,
} from '@cachelane/core';
import { classifyUnknown } from '../common/directory.ts';
import { goSumLookupDriver } from './go-sum-lookup.ts';
import { plainLinesDriver } from '../drivers/plain-lines.ts';
import { goSetting } from './go-settings.ts';
import { pathsOf } from '../common/paths.ts';
import { groupRule, linesRule, never, newestRule, unionRule } from '../common/rules.ts';

const lockFile = never('a lock file');
const temporary = never('temporary files');
const extracted = never('extracted modules; Go extracts them again from their zips');

/** Go lists the versions whose `.mod` exists (cmd/go/internal/modfetch, rewriteVersionList). */
const versionListRule = linesRule(
  plainLinesDriver({ contentOf: (version, path) => childPath(parentPath(path), `${version}.mod`) }),
);
const lookupRule = newestRule(goSumLookupDriver);

/** Go's module cache, GOMODCACHE: downloads and clones. */
export const goModTool: Tool = {
  name: 'go-mod',
  rulesVersion: 1,
  summary: "Go's module downloads (GOMODCACHE)",
  lockfiles: ['go.mod', 'go.work'],
  locate,
  redirect: (path) => ({ GOMODCACHE: path }),
  linksOut: false,
  compat: () => ({}),
  classify(path, isDirectory, context) {
    const [top, part, name] = path.split('/');
    if (top !== 'cache') return extracted;
    if (path === 'cache/lock') return lockFile;
    const rule =
      part === undefined || name === undefined
        ? directoryRule(part, isDirectory)
        : part === 'vcs'
          ? cloneRule(path, name, isDirectory)
          : part === 'download'
            ? downloadRule(path, isDirectory)
            : null;
    return rule ?? classifyUnknown(path, isDirectory, context);
  },
  commitWhen: 'exit',
  prune: { kind: 'none', why: 'go clean -modcache removes everything' },
  losesFiles: true,
  sync: 'always',
  versions: 'all versions of Go read one layout',
  stored: [
    // Go compares go.sum with the `.ziphash` beside a zip; only `go mod verify` reads the zip.
    { path: 'cache/download/example.test/lib/@v/v1.0.0.zip', what: 'modules with their digests', checked: 'never' },
    { path: 'cache/download/example.test/lib/@v/v1.0.0.mod', what: 'go.mod files', checked: 'when used' },
    { path: 'cache/download/example.test/lib/@v/v1.0.0.info', what: 'times of versions', checked: 'never' },
    { path: 'cache/download/example.test/lib/@v/list', what: 'lists of versions', checked: 'never' },
    {
      path: 'cache/download/sumdb/sum.golang.org/lookup/example.test/lib@v1.0.0',
      what: 'answers of the checksum database',
      checked: 'when used',
    },
    {
      path: 'cache/download/sumdb/sum.golang.org/tile/8/0/000',
      what: 'tiles of the checksum database',
      checked: 'when used',
    },
    { path: 'cache/vcs/<64 hex>/HEAD', what: 'clones of repositories', checked: 'when used' },
  ],
  neverStored: [
    'example.test/lib@v1.0.0/',
    'cache/lock',
    'cache/download/example.test/lib/@v/v1.0.0.lock',
    'cache/download/example.test/lib/@v/v1.0.0.zip.tmp',
  ],
  tried: 'real tool',
};

function directoryRule(part: string | undefined, isDirectory: boolean): PathRule | null {
  return isDirectory && (part === undefined || part === 'download' || part === 'vcs') ? unionRule : null;
}

/** Go accepts `cache/vcs/<hash>`, a bare repository, and `<hash>.info` only together. */
function cloneRule(path: BytePath, name: string, isDirectory: boolean): PathRule | null {
  const [, hash, rest] = /^([0-9a-f]{64})(|\.info|\.lock)$/.exec(name) ?? [];
  if (hash === undefined) return null;
  // Includes git's locks: no branch can have such a name, and a leftover lock blocks git.
  if (!isDirectory && path.endsWith('.lock')) return lockFile;
  return rest === '.lock' ? null : groupRule(`cache/vcs/${hash}`);
}

function downloadRule(path: BytePath, isDirectory: boolean): PathRule | null {
  if (isDirectory) return unionRule;
  const [, database] = /^cache\/download\/sumdb\/[^/]+\/(lookup|tile)\//.exec(path) ?? [];
  if (database !== undefined) return database === 'lookup' ? lookupRule : unionRule;
  // Module paths contain no @.
  const [, name] = /^cache\/download\/[^@]+\/@v\/([^/]+)$/.exec(path) ?? [];
  return name === undefined ? null : moduleFileRule(path, name);
}

function moduleFileRule(path: BytePath, name: string): PathRule | null {
  if (name === 'list') return versionListRule;
  const [, version, suffix] = /^(.+)(\.[a-z]+)$/.exec(name) ?? [];
  switch (suffix) {
    case '.info':
    case '.mod':
      return unionRule;
    case '.zip':
    case '.ziphash':
      // Go trusts the `.ziphash`, so it must come from the same run as its zip. A run cannot remove the pair for others.
      return { ...groupRule(`${parentPath(path)}/${version}`), removals: 'hint' };
    case '.lock':
      return lockFile;
    case '.partial':
    case '.tmp':
      return temporary;
    default:
      return null;
  }
}

/** Returns null if Go refuses to work with the setting. */
function locate(environment: ToolEnvironment): ToolLocation | null {
  const { delimiter, isAbsolute, join } = pathsOf(environment);
  const setting = goSetting(environment, 'GOMODCACHE');
  if (setting !== undefined) return isAbsolute(setting.value) ? { path: setting.value, source: setting.source } : null;
  const goPath = goSetting(environment, 'GOPATH');
  const [first = ''] = goPath?.value.split(delimiter) ?? [join(environment.homeDir, 'go')];
  return isAbsolute(first) ? { path: join(first, 'pkg', 'mod'), source: goPath?.source ?? "Go's default" } : null;
}
