import type { BytePath, PathRule, Tool } from '@cachelane/core';
import { classifyUnknown } from '../common/directory.ts';
import { pnpmIndexDriver } from './pnpm-index.ts';
import { pnpmPackageDriver } from './pnpm-package.ts';
import { pnpmStoreLocation } from './pnpm-config.ts';
import { never, newestRule, rowsRule, unionRule } from '../common/rules.ts';

const packageRule = newestRule(pnpmPackageDriver);
const indexRule = rowsRule(pnpmIndexDriver);
const temporary = never('temporary files');

/** In the directory of a known version; both versions have them. */
const neverInStore: ReadonlyMap<string, PathRule> = new Map([
  ['projects', never('projects of this machine that use the store')],
  ['links', never("package directories of one machine's projects; pnpm creates them again")],
  ['server', never('the address of a running store server')],
  ['tmp', temporary],
  ['.tmp', temporary],
]);

/** The log of v11's index. pnpm writes it back into the database when it ends. */
const indexLogRule = never('the log of a database in use');

/** pnpm's store, with a directory for each format: v10 (pnpm 10) and v11 (pnpm 11 and 12). Others get the rule for unknown directories. */
export const pnpmTool: Tool = {
  name: 'pnpm',
  rulesVersion: 1,
  summary: "pnpm's store of package files",
  lockfiles: ['pnpm-lock.yaml'],
  locate: pnpmStoreLocation,
  // pnpm 10 reads only npm's variables, and prefers `storeDir` of the workspace file. pnpm 11 and 12 read only their own.
  redirect: (path) => ({
    npm_config_store_dir: path,
    NPM_CONFIG_STORE_DIR: path,
    pnpm_config_store_dir: path,
    PNPM_CONFIG_STORE_DIR: path,
  }),
  linksOut: true,
  contentDigest(path) {
    const [, shard, rest] = /(?:^|\/)files\/([0-9a-f]{2})\/([0-9a-f]{126})(?:-exec)?$/.exec(path) ?? [];
    return shard === undefined || rest === undefined ? undefined : { algorithm: 'sha512', hex: shard + rest };
  },
  // Keys of build results hold os, arch and Node version, but not the C library.
  compat: ({ os, arch }) => ({ os, arch }),
  classify(path, isDirectory, context) {
    const { version, rest } = splitVersion(path);
    const rule = version === null ? null : storeRule(version, rest, isDirectory);
    return rule ?? classifyUnknown(path, isDirectory, context);
  },
  // pnpm writes a package's line or row after its files.
  commitWhen: 'exit',
  prune: {
    kind: 'none',
    why: 'pnpm store prune keeps only files that projects on this machine hard-link, so it removes everything from an attached volume',
  },
  losesFiles: true,
  sync: 'always',
  versions: 'a directory for each format: pnpm 10 uses v10, pnpm 11 and 12 use v11',
  stored: [
    // pnpm checks the content only if a file's time is later than the last check.
    { path: 'v11/files/<2 hex>/<126 hex>', what: 'files of packages by their digests', checked: 'never' },
    { path: 'v11/index.db', what: 'index of packages (pnpm 11 and 12)', checked: 'never' },
    { path: 'v10/files/<2 hex>/<126 hex>', what: 'files of packages by their digests (pnpm 10)', checked: 'never' },
    { path: 'v10/index/<2 hex>/<62 hex>-left@1.0.0.json', what: 'index of packages (pnpm 10)', checked: 'never' },
  ],
  neverStored: ['v11/projects/', 'v11/links/', 'v11/server/', 'v11/tmp/', 'v11/index.db-wal'],
  tried: 'real tool',
};

interface StorePath {
  /** `any` if the volume is the directory of one version; its contents tell which. */
  readonly version: 'v10' | 'v11' | 'any' | null;
  readonly rest: BytePath;
}

function splitVersion(path: BytePath): StorePath {
  const [top = ''] = path.split('/', 1);
  if (top === 'v10' || top === 'v11') return { version: top, rest: path.slice(top.length + 1) as BytePath };
  const isPart =
    /^(?:files|index|index\.db(?:-wal|-shm|-journal)?|(?:tarball|download)-.+)$/.test(top) || neverInStore.has(top);
  return { version: isPart ? 'any' : null, rest: path };
}

function storeRule(version: 'v10' | 'v11' | 'any', rest: BytePath, isDirectory: boolean): PathRule | null {
  const [top = '', ...below] = rest.split('/');
  if (top === '') return isDirectory ? unionRule : null;
  const fixed = neverInStore.get(top);
  if (fixed !== undefined) return fixed;
  if (/^(?:tarball|download)-[^/]{6}$/.test(top)) return temporary;
  if (top === 'files') return fileRule(below, isDirectory);
  return (version === 'v11' ? null : v10Rule(rest, isDirectory)) ?? (version === 'v10' ? null : v11Rule(rest));
}

function fileRule([shard, name, ...more]: readonly string[], isDirectory: boolean): PathRule | null {
  if (shard === undefined || name === undefined) {
    return isDirectory && (shard === undefined || /^[0-9a-f]{2}$/.test(shard)) ? unionRule : null;
  }
  if (isDirectory || more.length > 0) return null;
  if (/^[0-9a-f]{126}(?:-exec)?$/.test(name)) return unionRule;
  // `<name>_tmp_<process>_<thread>`, or other numbers instead of `_tmp_`.
  return /^[0-9a-f]{126}(?:-exec)?.+$/.test(name) ? temporary : null;
}

function v10Rule(rest: BytePath, isDirectory: boolean): PathRule | null {
  if (/^index(?:\/[0-9a-f]{2})?$/.test(rest)) return isDirectory ? unionRule : null;
  if (isDirectory) return null;
  if (/^index\/[0-9a-f]{2}\/[^/]+\.json$/.test(rest)) return packageRule;
  if (/^index\/[0-9a-f]{2}\/[^/]+\.json.+$/.test(rest)) return temporary;
  // A package from a repository or a URL, which has no tarball digest.
  return /^[^/]+\/integrity(?:-not-built)?\.json$/.test(rest) ? packageRule : null;
}

function v11Rule(rest: BytePath): PathRule | null {
  if (rest === 'index.db') return indexRule;
  return /^index\.db-(?:wal|shm|journal)$/.test(rest) ? indexLogRule : null;
}
