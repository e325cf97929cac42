import type { PathRule, Tool, ToolEnvironment, ToolLocation } from '@cachelane/core';
import { classifyUnknown } from '../common/directory.ts';
import { pathsOf } from '../common/paths.ts';
import { never, unionRule } from '../common/rules.ts';
import { tomlText } from '../common/toml.ts';

/** sccache's local disk cache. Its server outlives the command: a server of another command may answer and use that command's cache. */
export const sccacheTool: Tool = {
  name: 'sccache',
  rulesVersion: 1,
  summary: "sccache's results of Rust, C and C++ compilers",
  lockfiles: [],
  locate,
  redirect: (path) => ({ SCCACHE_DIR: path }),
  linksOut: false,
  env: { SCCACHE_CACHE_SIZE: '1000G' },
  daemon: { what: 'its server', settings: { SCCACHE_IDLE_TIMEOUT: '5' } },
  compat: ({ os, arch }) => ({ os, arch }),
  classify(path, isDirectory, context) {
    return ruleFor(path, isDirectory) ?? classifyUnknown(path, isDirectory, context);
  },
  commitWhen: 'exit',
  prune: { kind: 'none', why: 'it has no command' },
  losesFiles: true,
  sync: 'always',
  versions: 'keys hold the number of the format',
  stored: [
    { path: '0/0/<64 hex>', what: 'results of compilers', checked: 'never' },
    { path: 'preprocessor/0/0/0/<64 hex>', what: 'preprocessed sources', checked: 'never' },
  ],
  neverStored: ['.sccachetmpAbCdEf'],
  tried: 'real tool',
};

function ruleFor(path: string, isDirectory: boolean): PathRule | null {
  // Compiler results under digests of their inputs, and preprocessed sources.
  const [, name] = /^(?:preprocessor\/[0-9a-f]\/)?(?:[0-9a-f]\/){2}([^/]+)$/.exec(path) ?? [];
  if (isDirectory) return /^(?:preprocessor(?:\/|$))?(?:[0-9a-f](?:\/[0-9a-f]){0,2})?$/.test(path) ? unionRule : null;
  if (name === undefined) return /^(?:preprocessor\/)?\.sccachetmp/.test(path) ? never('temporary files') : null;
  return /^[0-9a-f]{64}$/.test(name) ? unionRule : /^\.sccachetmp|^\.tmp/.test(name) ? never('temporary files') : null;
}

function locate(environment: ToolEnvironment): ToolLocation {
  const { join, resolve } = pathsOf(environment);
  const variable = environment.env('SCCACHE_DIR');
  if (variable) return { path: resolve(environment.workDir, variable), source: 'SCCACHE_DIR in the environment' };
  const home = environment.homeDir;
  const config =
    environment.env('XDG_CONFIG_HOME') ||
    join(home, ...(environment.os === 'darwin' ? ['Library', 'Application Support'] : ['.config']));
  const file =
    environment.env('SCCACHE_CONF') ||
    join(config, ...(environment.os === 'darwin' ? ['Mozilla.sccache'] : ['sccache']), 'config');
  const value = tomlText(environment.readText(file) ?? '', ['cache', 'disk', 'dir']);
  if (value !== undefined) return { path: resolve(environment.workDir, value), source: `cache.disk.dir in ${file}` };
  const source = "sccache's default";
  if (environment.os === 'darwin') return { path: join(home, 'Library', 'Caches', 'Mozilla.sccache'), source };
  const local = environment.os === 'win32' ? environment.env('LOCALAPPDATA') : undefined;
  if (local) return { path: join(local, 'Mozilla', 'sccache', 'cache'), source };
  const cacheHome = environment.env('XDG_CACHE_HOME');
  if (cacheHome) return { path: join(cacheHome, 'sccache'), source: 'XDG_CACHE_HOME in the environment' };
  return { path: join(home, '.cache', 'sccache'), source };
}
