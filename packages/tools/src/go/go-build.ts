import type { PathRule, Tool, ToolEnvironment, ToolLocation } from '@cachelane/core';
import { classifyUnknown } from '../common/directory.ts';
import { goActionEntryDriver } from './go-action-entry.ts';
import { plainTimeDriver } from '../drivers/plain-time.ts';
import { goSetting, userDir } from './go-settings.ts';
import { pathsOf } from '../common/paths.ts';
import { never, newestRule, unionRule } from '../common/rules.ts';

/**
 * Go refreshes the mtime of every used entry older than an hour, which copies it up in an overlay, and removes those older than
 * five days. A time in the far future prevents both.
 */
const actionRule: PathRule = { ...newestRule(goActionEntryDriver), mtime: 'far-future' };
const outputRule: PathRule = { ...unionRule, mtime: 'far-future' };

const topFiles: ReadonlyMap<string, PathRule> = new Map([
  ['README', never('text that Go writes into every cache')],
  // Without it, Go searches the whole cache for old entries in each run.
  ['trim.txt', newestRule(plainTimeDriver('s'))],
  ['testexpire.txt', newestRule(plainTimeDriver('ns'))],
]);

/** Go's build cache, GOCACHE. */
export const goBuildTool: Tool = {
  name: 'go-build',
  rulesVersion: 1,
  summary: "Go's build and test cache (GOCACHE)",
  lockfiles: ['go.mod', 'go.work'],
  locate,
  redirect: (path) => ({ GOCACHE: path }),
  linksOut: false,
  // The keys hold toolchain, flags and target, but not the C headers and libraries that cgo uses.
  compat: ({ os, arch }) => ({ os, arch }),
  classify(path, isDirectory, context) {
    const [top = '', name] = path.split('/');
    if (top === 'fuzz') return unionRule;
    if (/^[0-9a-f]{2}$/.test(top)) {
      if (name === undefined) return isDirectory ? unionRule : classifyUnknown(path, isDirectory, context);
      const kind = name.startsWith(top) ? /^[0-9a-f]{64}-([ad])$/.exec(name)?.[1] : undefined;
      // An executable output lies in a directory with its output's name.
      if (kind === 'd') return outputRule;
      if (kind === 'a' && !isDirectory && path === `${top}/${name}`) return actionRule;
    }
    return topFiles.get(path) ?? classifyUnknown(path, isDirectory, context);
  },
  // Go writes the entry after its output, and ignores an entry that is cut short.
  commitWhen: 'exit',
  prune: {
    kind: 'none',
    why: 'go clean -cache removes everything',
  },
  losesFiles: true,
  sync: 'always',
  versions: 'the version of Go is in every key',
  stored: [
    { path: '00/<64 hex>-a', what: 'entries: which output an action has', checked: 'never' },
    { path: '00/<64 hex>-d', what: 'outputs of compilers and tests', checked: 'never' },
    { path: '00/<64 hex>-d/server', what: 'executables', checked: 'never' },
    { path: 'fuzz/example.test/app/FuzzX/<16 hex>', what: 'inputs that fuzzing found', checked: 'never' },
    { path: 'trim.txt', what: 'when Go last trimmed the cache', checked: 'never' },
    { path: 'testexpire.txt', what: 'time from which test results count', checked: 'never' },
  ],
  neverStored: ['README'],
  tried: 'real tool',
};

/** Returns null for `off` and relative paths, with which Go refuses to build. */
function locate(environment: ToolEnvironment): ToolLocation | null {
  const { isAbsolute, join } = pathsOf(environment);
  const setting = goSetting(environment, 'GOCACHE');
  if (setting !== undefined) return isAbsolute(setting.value) ? { path: setting.value, source: setting.source } : null;
  const dir = userDir(environment, {
    variable: 'XDG_CACHE_HOME',
    home: '.cache',
    mac: 'Caches',
    windows: 'LocalAppData',
  });
  return dir === undefined ? null : { path: join(dir, 'go-build'), source: "Go's default" };
}
